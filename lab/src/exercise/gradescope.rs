//! A grade as Gradescope's autograder reads it (`results.json`), and others that follow it.
use super::Grade;
use serde_json::{Value, json};

/// The document for an answer that was graded. What is hidden is shown to those who are graded when the exercise is due.
pub fn gradescope(grade: &Grade) -> Value {
    let tests = grade.tests.iter().map(|test| {
        json!({
            "name": if test.hidden { "hidden" } else { test.name.as_str() },
            "score": test.score,
            "max_score": test.points,
            "output": format!("{}: asked: {}; found: {}", test.name, test.asked, test.found),
            "visibility": if test.hidden { "after_due_date" } else { "visible" },
        })
    });
    let tests: Vec<Value> = tests.collect();
    json!({ "score": grade.score(), "output": grade.locked.join("\n\n"), "visibility": "visible", "tests": tests })
}

/// The document for an answer that cannot be read, for the reason given.
pub fn unusable(reason: &str) -> Value {
    json!({ "score": 0, "output": reason, "visibility": "visible", "tests": [] })
}
