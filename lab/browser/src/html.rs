//! The page as one file, put together from the folder `page`.
use lab::{
    plot::ink::{Theme, css_variables, face_css},
    scenario::load,
};
use serde_json::json;
use std::path::Path;

/// The configs `names`, resolved, as JSON: their workloads are written out, so that the page reads no other file.
pub(crate) fn configs(root: &Path, names: &[&str]) -> Result<String, String> {
    let one = |name: &&str| {
        let plan =
            load(&root.join(format!("configs/{name}.yaml")), &[]).map_err(|errors| errors.to_string())?;
        Ok(json!({ "name": name, "title": plan.baseline.title, "config": plan.resolved }))
    };
    let all: Vec<_> = names.iter().map(one).collect::<Result<_, String>>()?;
    Ok(json!(all).to_string())
}

/// The page. `configs` is JSON, `module` the packed simulation.
pub(crate) fn page(configs: &str, module: &str) -> String {
    let dark = css_variables(Theme::Dark);
    let style = format!(
        "{faces}:root{{{light}}}\n@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n\
         :root[data-theme=dark]{{{dark}}}\n{style}",
        faces = face_css(),
        light = css_variables(Theme::Light),
        style = include_str!("../page/style.css"),
    );
    let script = [
        include_str!("../page/lab.js"),
        include_str!("../page/ink.js"),
        include_str!("../page/timeline.js"),
        include_str!("../page/plane.js"),
        include_str!("../page/controls.js"),
        include_str!("../page/main.js"),
    ]
    .join("\n");
    // `</` would end the script element that holds JSON.
    let parts = [
        ("STYLE", style.as_str()),
        ("CONFIGS", &configs.replace("</", "<\\/")),
        ("MODULE", module),
        ("ENGINE", include_str!("../page/engine.js")),
        ("SCRIPT", script.as_str()),
    ];
    parts.iter().fold(include_str!("../page/index.html").to_owned(), |page, (name, part)| {
        page.replacen(&format!("<!-- {name} -->"), part, 1)
    })
}
