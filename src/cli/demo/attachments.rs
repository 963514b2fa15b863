//! Small real files to attach: PDF, PNG, CSV, vCard.
//!
//! Made from nothing but their own rules (PDF 1.4, PNG with stored deflate blocks); no library, no
//! picture of anybody.

use super::dice::Dice;

/// A file with its name and media type.
pub(super) struct File {
    pub(super) name: String,
    pub(super) media_type: &'static str,
    pub(super) octets: Vec<u8>,
}

/// What a mail of a conversation carries.
#[derive(Clone, Copy)]
pub(super) enum Enclosure {
    /// A page with a few lines.
    Pdf(&'static str, &'static [&'static str]),
    /// A table of measurements of so many rows.
    Csv(&'static str, u32),
    /// A picture of so many pixels, square.
    Png(&'static str, u32),
    /// A picture in the page itself, square.
    Inline(&'static str, u32),
}

impl Enclosure {
    /// Makes the file.
    pub(super) fn file(self, dice: &mut Dice) -> File {
        match self {
            Enclosure::Pdf(name, lines) => {
                let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
                File { name: name.to_owned(), media_type: "application/pdf", octets: pdf(&lines) }
            }
            Enclosure::Csv(name, rows) => File {
                name: name.to_owned(),
                media_type: "text/csv; charset=utf-8",
                octets: measurements(rows, dice).into_bytes(),
            },
            Enclosure::Png(name, side) | Enclosure::Inline(name, side) => {
                File { name: name.to_owned(), media_type: "image/png", octets: png(side, dice.next()) }
            }
        }
    }
}

/// One page with lines of ASCII text.
pub(super) fn pdf(lines: &[String]) -> Vec<u8> {
    let mut page = String::from("BT /F1 12 Tf 56 780 Td 18 TL\n");
    for line in lines {
        let line = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        page += &format!("({line}) Tj T*\n");
    }
    page += "ET";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (position, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", position + 1);
    }
    let start = file.len();
    let count = objects.len() + 1;
    file += &format!("xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.into_bytes()
}

/// A log of lamp tests.
fn measurements(rows: u32, dice: &mut Dice) -> String {
    let mut table = String::from("lamp,minute,volts,lumens,celsius\n");
    for row in 0..rows {
        let (lamp, minute) = (1 + row / 60, row % 60);
        let volts = 570 + dice.below(60);
        table += &format!(
            "AP-{lamp:04},{minute},{}.{:02},{},{}\n",
            volts / 100,
            volts % 100,
            380 + dice.below(45),
            18 + dice.below(31)
        );
    }
    table
}

/// Height of a band of colour, in pixels.
const BAND: u32 = 8;

/// A square picture: bands of colour, each with its own grain.
pub(super) fn png(side: u32, seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let [red, green, blue, ..] = dice.next().to_le_bytes();
    let mut pixels = Vec::new();
    let mut row = Vec::new();
    for line in 0..side {
        if line % BAND == 0 {
            let grain = dice.next().to_le_bytes();
            let [band, ..] = (line / BAND * 3).to_le_bytes();
            row = vec![0];
            for column in 0..side {
                let [shade, ..] = (column / 4).to_le_bytes();
                let noise = grain[usize::from(shade & 7)] & 31;
                row.extend_from_slice(&[red ^ band, green.wrapping_add(shade), blue.wrapping_add(noise)]);
            }
        }
        pixels.extend_from_slice(&row);
    }
    let mut header = Vec::new();
    header.extend(side.to_be_bytes());
    header.extend(side.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"IDAT", &stored(&pixels));
    chunk(&mut file, *b"IEND", &[]);
    file
}

/// A zlib stream (RFC 1950) of blocks that are not compressed.
fn stored(octets: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = octets.len().div_ceil(0xffff);
    for (position, block) in octets.chunks(0xffff).enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(position + 1 == blocks));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (mut low, mut high) = (1_u32, 0_u32);
    // 3,800 octets cannot overflow the sums, so the remainder is taken that seldom.
    for run in octets.chunks(3_800) {
        for octet in run {
            low += u32::from(*octet);
            high += low;
        }
        low %= 65_521;
        high %= 65_521;
    }
    stream.extend((high << 16 | low).to_be_bytes());
    stream
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    file.extend(length.to_be_bytes());
    let checked = file.len();
    file.extend(name);
    file.extend_from_slice(content);
    let mut sum = u32::MAX;
    for octet in &file[checked..] {
        let [low, ..] = sum.to_le_bytes();
        sum = CRC[usize::from(low ^ octet)] ^ (sum >> 8);
    }
    file.extend((!sum).to_be_bytes());
}

/// CRC-32 of each octet.
static CRC: [u32; 256] = crc();

const fn crc() -> [u32; 256] {
    let mut table = [0; 256];
    let mut octet = 0_u32;
    let mut position = 0;
    while position < 256 {
        let mut sum = octet;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
            bit += 1;
        }
        table[position] = sum;
        position += 1;
        octet += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_ends_with_the_checksum_that_every_png_ends_with() {
        let file = png(9, 1);
        assert_eq!(&file[file.len() - 12..], b"\0\0\0\0IEND\xae\x42\x60\x82");
    }

    #[test]
    fn the_table_of_a_pdf_points_at_its_objects() {
        let file = String::from_utf8(pdf(&["Invoice (copy)".to_owned()])).unwrap();
        let start: usize = file.lines().rev().nth(1).unwrap().parse().unwrap();
        let rows: Vec<_> = file[start..].lines().skip(3).take(5).collect();
        for (position, row) in rows.into_iter().enumerate() {
            let offset: usize = row[..10].parse().unwrap();
            assert!(file[offset..].starts_with(&format!("{} 0 obj", position + 1)));
        }
    }
}
