//! The files of the page, in the binary. Nothing is read from disk when they are asked for.

/// A file as a browser gets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const FONT: &str = "font/woff2";

/// Path, content type, bytes.
const ASSETS: [(&str, &str, &[u8]); 33] = [
    ("/", HTML, include_bytes!("page/index.html")),
    ("/page/style.css", CSS, include_bytes!("page/style.css")),
    ("/page/lecture.css", CSS, include_bytes!("page/lecture.css")),
    ("/page/phone.css", CSS, include_bytes!("page/phone.css")),
    ("/page/ask.js", SCRIPT, include_bytes!("page/ask.js")),
    ("/page/axis.js", SCRIPT, include_bytes!("page/axis.js")),
    ("/page/cards.js", SCRIPT, include_bytes!("page/cards.js")),
    ("/page/charts.js", SCRIPT, include_bytes!("page/charts.js")),
    ("/page/choice.js", SCRIPT, include_bytes!("page/choice.js")),
    ("/page/dom.js", SCRIPT, include_bytes!("page/dom.js")),
    ("/page/draw.js", SCRIPT, include_bytes!("page/draw.js")),
    ("/page/headline.js", SCRIPT, include_bytes!("page/headline.js")),
    ("/page/keys.js", SCRIPT, include_bytes!("page/keys.js")),
    ("/page/lane.js", SCRIPT, include_bytes!("page/lane.js")),
    ("/page/layers.js", SCRIPT, include_bytes!("page/layers.js")),
    ("/page/levers.js", SCRIPT, include_bytes!("page/levers.js")),
    ("/page/log.js", SCRIPT, include_bytes!("page/log.js")),
    ("/page/main.js", SCRIPT, include_bytes!("page/main.js")),
    ("/page/panels.js", SCRIPT, include_bytes!("page/panels.js")),
    ("/page/plane.js", SCRIPT, include_bytes!("page/plane.js")),
    ("/page/stream.js", SCRIPT, include_bytes!("page/stream.js")),
    ("/page/strip.js", SCRIPT, include_bytes!("page/strip.js")),
    ("/page/theme.js", SCRIPT, include_bytes!("page/theme.js")),
    ("/page/transport.js", SCRIPT, include_bytes!("page/transport.js")),
    ("/page/windows.js", SCRIPT, include_bytes!("page/windows.js")),
    ("/page/words.js", SCRIPT, include_bytes!("page/words.js")),
    ("/page/uplot.js", SCRIPT, include_bytes!("page/vendor/uPlot.iife.min.js")),
    ("/page/uplot.css", CSS, include_bytes!("page/vendor/uPlot.min.css")),
    ("/page/uplot-license.txt", TEXT, include_bytes!("page/vendor/LICENSE")),
    ("/page/Inter-Regular.woff2", FONT, include_bytes!("../../fonts/Inter-Regular.sub.woff2")),
    ("/page/Inter-SemiBold.woff2", FONT, include_bytes!("../../fonts/Inter-SemiBold.sub.woff2")),
    ("/page/Inter-Italic.woff2", FONT, include_bytes!("../../fonts/Inter-Italic.sub.woff2")),
    ("/page/inter-license.txt", TEXT, include_bytes!("../../fonts/OFL-1.1.txt")),
];

/// The file at `path`, if there is one.
pub(super) fn asset(path: &str) -> Option<Asset> {
    let (_, content_type, bytes) = ASSETS.iter().find(|(known, ..)| *known == path)?;
    Some(Asset { content_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, asset};
    use crate::plot::ink::{PALETTE, Theme};
    use std::{collections::BTreeSet, fs, path::Path};

    fn text(path: &str) -> &'static str {
        std::str::from_utf8(asset(path).unwrap().bytes).unwrap()
    }

    /// What stands between `before` and the next `after`, at every place.
    fn between<'t>(text: &'t str, before: &str, after: char) -> Vec<&'t str> {
        text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
    }

    #[test]
    fn whatever_the_page_names_is_there_and_nothing_else() {
        let mut named: BTreeSet<String> =
            ["/", "/page/uplot-license.txt", "/page/inter-license.txt"].map(String::from).into();
        let html = text("/");
        for path in between(html, "href=\"page/", '"').into_iter().chain(between(html, "src=\"page/", '"')) {
            named.insert(format!("/page/{path}"));
        }
        for path in between(text("/page/style.css"), "url(", ')') {
            named.insert(format!("/page/{path}"));
        }
        let scripts = ASSETS.iter().filter(|(path, ..)| path.ends_with(".js") && !path.ends_with("uplot.js"));
        for (path, ..) in scripts {
            named.extend(
                between(text(path), "from './", '\'').into_iter().map(|file| format!("/page/{file}")),
            );
        }
        let there: BTreeSet<String> = ASSETS.iter().map(|(path, ..)| (*path).into()).collect();
        assert_eq!(named, there);
    }

    #[test]
    fn every_file_of_the_folder_is_served_as_it_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/page");
        let mut seen = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                continue;
            }
            let name = entry.file_name().into_string().unwrap();
            let path = if name == "index.html" { "/".into() } else { format!("/page/{name}") };
            let served = asset(&path).unwrap_or_else(|| panic!("{name} is not served"));
            assert!(served.bytes == fs::read(entry.path()).unwrap(), "{name} is served as another file");
            seen += 1;
        }
        assert!(seen > 10, "only {seen} files were looked at");
    }

    #[test]
    fn the_page_asks_nobody_else() {
        for (path, ..) in
            ASSETS.iter().filter(|(path, ..)| !path.contains("uplot") && !path.contains("Inter-"))
        {
            let addresses = between(text(path), "http", '\'');
            // A name space is not an address that is fetched.
            let fetched: Vec<_> =
                addresses.iter().filter(|rest| !rest.starts_with("://www.w3.org/2000/svg")).collect();
            assert!(fetched.is_empty() || path.ends_with("license.txt"), "{path}: {fetched:?}");
        }
    }

    #[test]
    fn the_page_has_the_colours_of_the_figures() {
        let style = text("/page/style.css");
        let (light, dark) = style.split_once(":root[data-theme=\"dark\"]").unwrap();
        for colour in PALETTE {
            for (theme, part) in [(Theme::Light, light), (Theme::Dark, dark)] {
                let (red, green, blue) = colour.on(theme);
                let declared = format!("--{}: #{red:02x}{green:02x}{blue:02x};", colour.name);
                assert!(part.contains(&declared), "{theme:?}: {declared}");
            }
        }
    }
}
