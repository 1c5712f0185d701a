//! The hints of a task, which are opened one by one.

/// The hints in a text: each is a block `<details>` with a `<summary>`, as a page folds it.
pub fn hints(text: &str) -> Vec<String> {
    let blocks = text.split("<details>").skip(1);
    let inside = blocks.map(|block| block.split("</details>").next().unwrap_or(block));
    inside.map(|block| block.split_once("</summary>").map_or(block, |(_, hint)| hint).trim().into()).collect()
}

/// The same text without them.
pub(super) fn without(text: &str) -> String {
    let mut parts = text.split("<details>");
    let first = parts.next().unwrap_or("").to_owned();
    let rest = parts.filter_map(|block| block.split_once("</details>")).map(|(_, after)| after.trim_start());
    rest.fold(first, |text, after| text + after).trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_taken_out_one_by_one() {
        let text = "# Task\n\n<details><summary>Hint 1</summary>\n\nLook.\n\n</details>\n\n<details><summary>2</summary>Count.</details>\n\nEnd.\n";
        assert_eq!(hints(text), ["Look.", "Count."]);
        assert_eq!(without(text), "# Task\n\nEnd.\n");
        assert!(hints("nothing").is_empty());
    }
}
