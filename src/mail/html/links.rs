//! The targets of links, collected tag by tag.

use html5gum::emitters::callback::CallbackEvent;

/// The targets so far.
#[derive(Debug, Default)]
pub struct Links {
    found: Vec<String>,
    place: Place,
}

/// What of a tag is read now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A tag that is no link, or no tag.
    #[default]
    Elsewhere,
    /// A link whose target was not seen yet.
    Link,
    /// The target of a link.
    Target,
}

impl Links {
    /// Takes the next token.
    pub fn on(&mut self, event: &CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.place = if matches!(*name, b"a" | b"area") { Place::Link } else { Place::Elsewhere };
            }
            // Of two attributes with one name, the first counts: also when it is empty.
            CallbackEvent::AttributeName { name } => {
                self.place = match self.place {
                    Place::Link if *name == b"href" => Place::Target,
                    Place::Link => Place::Link,
                    Place::Target | Place::Elsewhere => Place::Elsewhere,
                };
            }
            CallbackEvent::AttributeValue { value } => {
                if self.place == Place::Target {
                    self.found.extend(target(value));
                    self.place = Place::Elsewhere;
                }
            }
            // An error is told where it is found: also within a value.
            CallbackEvent::Error(_) => {}
            CallbackEvent::CloseStartTag { .. }
            | CallbackEvent::EndTag { .. }
            | CallbackEvent::String { .. }
            | CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. } => self.place = Place::Elsewhere,
        }
    }

    /// All of them.
    pub fn finish(self) -> Vec<String> {
        self.found
    }
}

fn target(value: &[u8]) -> Option<String> {
    let value = String::from_utf8_lossy(value);
    let value = value.trim_matches(|letter| letter <= ' ');
    (!value.is_empty()).then(|| value.replace(['\t', '\n', '\r'], ""))
}
