//! How attempts, their answers, and the letters of a group's members to each other look in HTTP/1.1.
use bytes::Bytes;
use http_body_util::{Empty, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    header::{HOST, HeaderName, HeaderValue},
};
use lab_core::{
    call::{Attempt, Job, Outcome},
    replicate::{Answer, Op, Value, message::Message},
    time::Time,
};
use serde::{Deserialize, Serialize};

/// An attempt, and what it asks of a replicated store or a cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ask {
    pub job: Job,
    /// `None`: the service holds nothing, so that what is asked makes no difference.
    pub store: Option<(Op, Value)>,
}

/// How an attempt ended where it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reply {
    pub outcome: Outcome,
    /// What a replicated store says.
    pub answer: Option<Answer>,
}

/// What one member of a group says to another, and when it is to arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Letter {
    pub at: Time,
    pub message: Message,
}

/// Where a replicated store's answer is, in JSON.
const ANSWER: HeaderName = HeaderName::from_static("answer");

/// The request of an attempt.
pub(super) fn request(ask: &Ask) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = Uri::from_maybe_shared(path(ask)).expect("digits, letters and slashes are a path");
    request.headers_mut().insert(HOST, HeaderValue::from_static("replica"));
    request
}

/// The request path of an attempt.
fn path(ask: &Ask) -> String {
    let Job { client, attempt, call, number, gives_up_at } = ask.job;
    let path = format!("/{client}/{}/{}/{call}/{number}/{}", attempt.slot, attempt.generation, gives_up_at.0);
    match ask.store {
        None => path,
        Some((Op::Read(key), _)) => format!("{path}/read/{key}"),
        Some((Op::Write(key), Value { call, attempt })) => format!("{path}/write/{key}/{call}/{attempt}"),
    }
}

/// The attempt of a request path.
pub(super) fn ask(path: &str) -> Option<Ask> {
    let mut words = path.strip_prefix('/')?.split('/');
    let field = |words: &mut std::str::Split<'_, char>| words.next()?.parse::<u64>().ok();
    let short = |words: &mut std::str::Split<'_, char>| words.next()?.parse::<u32>().ok();
    let (client, slot, generation) = (short(&mut words)?, short(&mut words)?, short(&mut words)?);
    let (call, number, gives_up_at) = (field(&mut words)?, short(&mut words)?, Time(field(&mut words)?));
    let job = Job { client, attempt: Attempt { slot, generation }, call, number, gives_up_at };
    let store = match words.next() {
        None => None,
        Some("read") => Some((Op::Read(field(&mut words)?), Value::default())),
        Some("write") => {
            let key = field(&mut words)?;
            Some((Op::Write(key), Value { call: field(&mut words)?, attempt: short(&mut words)? }))
        }
        Some(_) => return None,
    };
    words.next().is_none().then_some(Ask { job, store })
}

/// How a replica says `reply`; `None` breaks the connection.
pub(super) fn response(reply: &Reply) -> Option<Response<Empty<Bytes>>> {
    let status = match (reply.outcome, reply.answer) {
        (_, Some(Answer::Elsewhere(_))) => StatusCode::TEMPORARY_REDIRECT,
        (Outcome::Success, _) => StatusCode::OK,
        (Outcome::Rejected, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Outcome::Error, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (Outcome::Reset | Outcome::Timeout, _) => return None,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    if let Some(answer) = reply.answer {
        let answer = serde_json::to_string(&answer).expect("an answer is plain data");
        let answer = HeaderValue::try_from(answer).expect("its JSON is visible ASCII");
        response.headers_mut().insert(ANSWER, answer);
    }
    Some(response)
}

/// What a response means to a client.
pub(super) fn reply(status: StatusCode, headers: &HeaderMap) -> Reply {
    let answer = headers.get(ANSWER).and_then(|value| serde_json::from_slice(value.as_bytes()).ok());
    let outcome = match status {
        StatusCode::OK => Outcome::Success,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TEMPORARY_REDIRECT => Outcome::Rejected,
        _ => Outcome::Error,
    };
    Reply { outcome, answer }
}

/// The request that brings `letters` of the group's member `from`.
pub(super) fn post(from: u32, letters: &[Letter]) -> Request<Full<Bytes>> {
    let body = serde_json::to_vec(letters).expect("letters are plain data");
    let mut request = Request::new(Full::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_maybe_shared(format!("/{from}")).expect("digits are a path");
    request.headers_mut().insert(HOST, HeaderValue::from_static("replica"));
    request
}

/// The letters of such a request, and whose they are.
pub(super) fn letters(path: &str, body: &[u8]) -> Option<(u32, Vec<Letter>)> {
    let from = path.strip_prefix('/')?.parse().ok()?;
    Some((from, serde_json::from_slice(body).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::replicate::View;

    proptest::proptest! {
        #[test]
        fn an_attempt_survives_its_path(
            a: (u32, u32, u32), call: u64, number: u32, gives_up_at: u64, key: u64, value: (u64, u32), kind in 0..3,
        ) {
            let attempt = Attempt { slot: a.1, generation: a.2 };
            let job = Job { client: a.0, attempt, call, number, gives_up_at: Time(gives_up_at) };
            let store = match kind {
                0 => None,
                1 => Some((Op::Read(key), Value::default())),
                _ => Some((Op::Write(key), Value { call: value.0, attempt: value.1 })),
            };
            let sent = Ask { job, store };
            proptest::prop_assert_eq!(ask(&path(&sent)), Some(sent));
        }
    }

    #[test]
    fn other_paths_are_no_attempts() {
        for path in [
            "",
            "/",
            "/1/2/3/4/5",
            "/1/2/3/4/5/6/7",
            "/a/2/3/4/5/6",
            "/1/2/3/4/4294967296/6",
            "/1/2/3/4/5/6/read",
            "/1/2/3/4/5/6/write/7/8",
            "/1/2/3/4/5/6/read/7/8",
        ] {
            assert_eq!(ask(path), None, "{path}");
        }
    }

    #[test]
    fn an_answer_survives_its_response() {
        let value = Value { call: 7, attempt: 2 };
        for (outcome, answer) in [
            (Outcome::Success, None),
            (Outcome::Error, None),
            (Outcome::Success, Some(Answer::Found { version: 3, value })),
            (Outcome::Success, Some(Answer::Written { version: 4 })),
            (Outcome::Rejected, Some(Answer::Elsewhere(View::initial(3)))),
            (Outcome::Rejected, Some(Answer::Unavailable)),
        ] {
            let sent = Reply { outcome, answer };
            let response = response(&sent).unwrap();
            assert_eq!(reply(response.status(), response.headers()), sent);
        }
    }
}
