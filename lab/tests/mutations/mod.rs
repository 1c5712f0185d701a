//! Random changes of valid configs.

/// A small generator, so that the same mutations are tried everywhere (Steele et al., SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// One to three changes of a text: characters, tokens, lines.
pub(crate) fn mutate(text: &str, random: &mut Random) -> String {
    const PIECES: [&str; 24] = [
        ":",
        "{",
        "}",
        "[",
        "]",
        "- ",
        "#",
        "\"",
        "'",
        "&a ",
        "*a ",
        "!!x ",
        "\t",
        "\n",
        "none",
        "0",
        "-1",
        "1e308",
        " %",
        "ms",
        "\u{1}",
        "ü",
        "99999999999999999999",
        ".inf",
    ];
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(3) {
        let at = random.below(chars.len());
        match random.below(5) {
            0 => {
                let end = (at + 1 + random.below(12)).min(chars.len());
                chars.drain(at..end);
            }
            1 => {
                let piece = PIECES[random.below(PIECES.len())].chars();
                chars.splice(at..at, piece);
            }
            2 => {
                let end = (at + 1 + random.below(6)).min(chars.len());
                let piece = PIECES[random.below(PIECES.len())].chars();
                chars.splice(at..end, piece);
            }
            3 => {
                let mut lines: Vec<String> =
                    chars.iter().collect::<String>().lines().map(str::to_owned).collect();
                let (a, b) = (random.below(lines.len()), random.below(lines.len()));
                if a < lines.len() && b < lines.len() {
                    lines.swap(a, b);
                }
                chars = lines.join("\n").chars().collect();
            }
            _ => {
                let end = (at + random.below(80)).min(chars.len());
                let copy: Vec<char> = chars[at.min(end)..end].to_vec();
                let to = random.below(chars.len());
                chars.splice(to..to, copy);
            }
        }
    }
    chars.into_iter().collect()
}
