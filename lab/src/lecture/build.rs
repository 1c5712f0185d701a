//! Pages and slides of modules, and the page that lists them, in one folder.
use super::{
    deck::deck,
    draw::draw,
    html::html,
    measured::Numbers,
    page::{document, page},
    read::Lecture,
    shelf::Shelf,
    terminal::plain,
};
use crate::plot::ink::escape;
use std::{
    io,
    path::{Path, PathBuf},
};

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Where to begin: the page that lists the modules; of one module its own.
    pub first: PathBuf,
    /// All files, that one included.
    pub files: Vec<PathBuf>,
}

/// Why pages are not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A figure cannot be drawn.
    #[error("{0}")]
    Figure(String),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes the pages of `lectures` with their numbers to the folder `out`; and the list of modules, where these are all.
///
/// # Errors
/// Where a figure cannot be drawn or a file cannot be written.
pub fn build(
    shelf: &Shelf,
    lectures: &[(Lecture, Numbers)],
    out: &Path,
    done: &(dyn Fn() + Sync),
) -> Result<Built, BuildError> {
    let write = |name: String, text: String| {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|source| BuildError::Write { path: path.clone(), source })?;
        Ok(path)
    };
    std::fs::create_dir_all(out).map_err(|source| BuildError::Write { path: out.into(), source })?;
    let mut files = vec![];
    for (lecture, numbers) in lectures {
        let figures = draw(lecture).map_err(BuildError::Figure)?;
        let name = &lecture.volume.name;
        files.push(write(format!("{name}.html"), page(lecture, numbers, &figures))?);
        files.push(write(format!("{name}-slides.html"), deck(lecture, numbers, &figures))?);
        done();
    }
    if lectures.len() == shelf.volumes.len() {
        files.insert(0, write("index.html".into(), index(shelf, lectures))?);
    }
    let first = files.first().cloned().unwrap_or_else(|| out.into());
    Ok(Built { first, files })
}

/// The list of modules, in the middle of what the folder's `README.md` says of them: after its beginning, before its plans.
fn index(shelf: &Shelf, lectures: &[(Lecture, Numbers)]) -> String {
    let item = |(lecture, _): &(Lecture, Numbers)| {
        let (name, title) = (&lecture.volume.name, escape(&lecture.module.title));
        let lead = plain(&lecture.module.lead.body).replace('\n', " ");
        format!(
            "<li><b>{}</b><div><a href=\"{name}.html\">{title}</a><p>{}</p></div><a href=\"{name}-slides.html\">slides</a></li>\n",
            lecture.volume.number,
            escape(lead.trim())
        )
    };
    let items: String = lectures.iter().map(item).collect();
    let about = std::fs::read_to_string(shelf.folder.join("README.md")).unwrap_or_default();
    let (first, rest) = about.split_at(about.find("\n## ").unwrap_or(about.len()));
    let content = format!(
        "<header>\n<p class=\"kicker\">Metastable-failure lab</p>\n</header>\n{}<ol class=\"modules\">\n{items}</ol>\n{}",
        html(first, &[]),
        html(rest, &[])
    );
    document("Lectures", &content, include_str!("page.css"), "")
}
