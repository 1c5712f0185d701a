//! The colours of figures: one name, one value on paper, one on a dark screen. At least 4.69:1 against white.
use std::fmt::Write as _;

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// What a picture is looked at on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Paper or a light screen.
    Light,
    /// A dark screen.
    Dark,
}

/// A colour with a meaning. In SVG it is a CSS variable of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Name of the CSS variable, without the dashes.
    pub name: &'static str,
    /// On paper.
    pub light: Rgb,
    /// On a dark screen.
    pub dark: Rgb,
}

/// The colours, by what they are for. Orange and red are never two series of one panel.
pub mod colour {
    use super::Colour;

    const fn hex(name: &'static str, light: u32, dark: u32) -> Colour {
        const fn rgb(v: u32) -> super::Rgb {
            ((v >> 16) as u8, (v >> 8) as u8, v as u8)
        }
        Colour { name, light: rgb(light), dark: rgb(dark) }
    }

    /// The background.
    pub const PAPER: Colour = hex("paper", 0xff_ff_ff, 0x10_14_1b);
    /// Text.
    pub const INK: Colour = hex("ink", 0x17_1b_21, 0xec_f0_f6);
    /// Text of less weight.
    pub const MUTED: Colour = hex("muted", 0x5b_63_70, 0xa0_aa_b8);
    /// Grid lines.
    pub const GRID: Colour = hex("grid", 0xe2_e5_ea, 0x2c_33_3e);
    /// Axes.
    pub const AXIS: Colour = hex("axis", 0x8a_92_9e, 0x6a_74_84);
    /// Throughput, medians, what an operator does.
    pub const BLUE: Colour = hex("blue", 0x00_72_b2, 0x58_b0_f0);
    /// What is good.
    pub const GREEN: Colour = hex("green", 0x00_84_63, 0x38_cb_9e);
    /// Attempts and triggers.
    pub const ORANGE: Colour = hex("orange", 0xad_60_00, 0xf5_a6_3c);
    /// What failed; 99th percentiles.
    pub const RED: Colour = hex("red", 0xc9_44_00, 0xff_7a_45);
    /// What is in between; extreme percentiles.
    pub const PURPLE: Colour = hex("purple", 0x9e_4d_80, 0xde_8d_be);
    /// Queues and what was offered.
    pub const SLATE: Colour = hex("slate", 0x54_60_7a, 0x96_a6_c8);
}

/// All colours that follow the theme. Any other colour that is drawn stays as it is.
pub const PALETTE: [Colour; 11] = [
    colour::PAPER,
    colour::INK,
    colour::MUTED,
    colour::GRID,
    colour::AXIS,
    colour::BLUE,
    colour::GREEN,
    colour::ORANGE,
    colour::RED,
    colour::PURPLE,
    colour::SLATE,
];

impl Colour {
    /// The value on `theme`.
    pub fn on(&self, theme: Theme) -> Rgb {
        match theme {
            Theme::Light => self.light,
            Theme::Dark => self.dark,
        }
    }
}

/// The colour of the palette whose light value is `rgb`.
pub(super) fn named(rgb: Rgb) -> Option<&'static Colour> {
    PALETTE.iter().find(|colour| colour.light == rgb)
}

/// `#rrggbb`.
pub(super) fn hex(rgb: Rgb) -> String {
    format!("#{:02x}{:02x}{:02x}", rgb.0, rgb.1, rgb.2)
}

/// The declarations of all colours as CSS variables: `--paper:#ffffff;--ink:…`.
pub fn css_variables(theme: Theme) -> String {
    PALETTE.iter().fold(String::new(), |mut css, colour| {
        let _ = write!(css, "--{}:{};", colour.name, hex(colour.on(theme)));
        css
    })
}
