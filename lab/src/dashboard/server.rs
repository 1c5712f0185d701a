//! The dashboard's server: HTTP/1.1, a fixed list of files, one stream of events, and a few requests that act on the run.
use super::{
    assets::asset,
    controls::Values,
    door::Door,
    driver::{Command, Joined},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Frame, Incoming},
    header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use lab_core::time::Time;
use serde::Deserialize;
use serde_json::json;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, mpsc::Sender},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc, oneshot},
};

/// Nobody has more to say than this.
const LARGEST_BODY: usize = 4096;
/// Headers that are not complete by then never will be.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// So many connections at a time; a class of spectators with a browser each needs far fewer.
const MOST_CONNECTIONS: usize = 512;

/// Scripts, styles, pictures and requests of this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Answered = Response<Either<Full<Bytes>, Stream>>;

/// The server's state.
pub(super) struct Server {
    pub door: Door,
    pub name: String,
    pub run: Sender<Command>,
}

/// Serves on `listener` until `stop` comes.
pub(super) async fn serve(server: Arc<Server>, listener: TcpListener, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let places = Arc::new(tokio::sync::Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => return,
        };
        // A connection that broke before it was taken up is no reason to end; nor is one too many.
        let Ok((socket, _)) = accepted else { continue };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        // Events are small and wanted at once.
        let _ = socket.set_nodelay(true);
        let server = server.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| answer(server.clone(), request));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(16 * 1024);
            // Whoever breaks the protocol or goes away has ended the conversation.
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
            drop(place);
        });
    }
}

async fn answer(server: Arc<Server>, request: Request<Incoming>) -> Result<Answered, Infallible> {
    let mut response = match server.route(request).await {
        Ok(response) => response,
        Err((status, sentence)) => {
            let mut response = text("application/json", json!({ "error": sentence }).to_string());
            *response.status_mut() = status;
            response
        }
    };
    let headers = response.headers_mut();
    let policy: [(&str, &'static str); 4] = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in policy {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    Ok(response)
}

type Failed = (StatusCode, String);

impl Server {
    async fn route(&self, request: Request<Incoming>) -> Result<Answered, Failed> {
        let refuse = |refusal: super::door::Refusal| (StatusCode::FORBIDDEN, refusal.sentence().to_owned());
        self.door.look(request.headers()).map_err(refuse)?;
        let path = request.uri().path().to_owned();
        match *request.method() {
            Method::GET | Method::HEAD => self.get(&path).await,
            Method::POST => {
                self.door.press(request.headers()).map_err(refuse)?;
                self.post(&path, request.into_body()).await
            }
            _ => Err((StatusCode::METHOD_NOT_ALLOWED, "GET and POST are all that is understood here".into())),
        }
    }

    async fn get(&self, path: &str) -> Result<Answered, Failed> {
        match path {
            "/events" => {
                let Joined { first, then } = self.ask(|answer| Command::Join { answer }).await?;
                Ok(events(first, then))
            }
            "/export.yaml" => {
                let yaml = self.ask(|answer| Command::Export { answer }).await?.map_err(conflict)?;
                Ok(download(text("application/yaml", yaml), &format!("{}-session.yaml", self.name)))
            }
            "/windows.csv" => {
                let csv = self.ask(|answer| Command::Csv { answer }).await?.map_err(conflict)?;
                Ok(download(text("text/csv", csv), "windows.csv"))
            }
            _ => {
                let found = asset(path);
                let asset = found.ok_or((StatusCode::NOT_FOUND, "there is nothing here".to_owned()))?;
                Ok(content(asset.content_type, Bytes::from_static(asset.bytes)))
            }
        }
    }

    async fn post(&self, path: &str, body: Incoming) -> Result<Answered, Failed> {
        let large = |_| (StatusCode::PAYLOAD_TOO_LARGE, format!("more than {LARGEST_BODY} bytes"));
        let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(large)?.to_bytes();
        let answer = match path {
            "/press" => {
                let Press { lever, arguments } = read(&body)?;
                let pressed = self.ask(|answer| Command::Press { lever, arguments, answer }).await?;
                let (name, at_s) = pressed.map_err(bad)?;
                json!({ "name": name, "at_s": at_s })
            }
            "/pace" => {
                let Pace { speed, paused } = read(&body)?;
                let set = self.ask(|answer| Command::Pace { speed, paused, answer }).await?;
                let (speed, paused) = set.map_err(bad)?;
                json!({ "speed": speed, "paused": paused })
            }
            "/rewind" => {
                let Rewind { to_s } = read(&body)?;
                if !(to_s.is_finite() && to_s >= 0.0) {
                    return Err(bad("`to_s` is a number of seconds from 0".into()));
                }
                let to = Time::from_secs_f64(to_s);
                let to_s = self.ask(|answer| Command::Rewind { to, answer }).await?.map_err(bad)?;
                json!({ "to_s": to_s })
            }
            _ => return Err((StatusCode::NOT_FOUND, "there is nothing here to press".into())),
        };
        Ok(text("application/json", answer.to_string()))
    }

    /// Asks the run's thread.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Failed> {
        let (answer, answered) = oneshot::channel();
        let gone = || (StatusCode::SERVICE_UNAVAILABLE, "the run is over".to_owned());
        self.run.send(command(answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    lever: String,
    #[serde(default)]
    arguments: Values,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pace {
    speed: Option<f64>,
    paused: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rewind {
    to_s: f64,
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Failed> {
    serde_json::from_slice(body).map_err(|e| bad(format!("not understood: {e}")))
}

fn bad(sentence: String) -> Failed {
    (StatusCode::BAD_REQUEST, sentence)
}

fn conflict(sentence: String) -> Failed {
    (StatusCode::CONFLICT, sentence)
}

fn text(kind: &'static str, text: String) -> Answered {
    content(kind, text.into())
}

fn content(kind: &'static str, bytes: Bytes) -> Answered {
    let mut response = Response::new(Either::Left(Full::new(bytes)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn download(mut response: Answered, file: &str) -> Answered {
    // Names of configs may hold what a header must not.
    let file: String =
        file.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{file}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// A stream of events: what was, then what comes. It ends when the spectator is too far behind, or the run is over.
fn events(first: String, mut then: broadcast::Receiver<Arc<str>>) -> Answered {
    let (sender, receiver) = mpsc::channel(1);
    tokio::task::spawn_local(async move {
        let mut next = Bytes::from(first);
        // A spectator who does not read stops this task alone.
        while sender.send(next).await.is_ok() {
            next = tokio::select! {
                event = then.recv() => match event {
                    Ok(event) => Bytes::copy_from_slice(event.as_bytes()),
                    Err(_) => return,
                },
                () = sender.closed() => return,
            };
        }
    });
    let mut response = Response::new(Either::Right(Stream(receiver)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Where the stream ends, so does the connection: the browser comes back.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The body of a stream of events.
pub(super) struct Stream(mpsc::Receiver<Bytes>);

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::driver::BEHIND;
    use tokio::runtime::{Builder, LocalOptions};

    /// Who does not read for a while gets what was kept for him, and then the end, so that he comes back and begins anew.
    #[test]
    fn who_is_too_far_behind_is_let_go() {
        let runtime = Builder::new_current_thread().build_local(LocalOptions::default()).unwrap();
        let seen = runtime.block_on(async {
            let everybody = broadcast::Sender::<Arc<str>>::new(BEHIND);
            let mut body = events("first".into(), everybody.subscribe()).into_body();
            let mut seen = vec![];
            for number in 0..3 * BEHIND {
                everybody.send(number.to_string().into()).unwrap();
            }
            while let Some(frame) = body.frame().await {
                seen.push(frame.unwrap().into_data().unwrap());
            }
            seen
        });
        assert_eq!(seen[0], "first");
        assert!(seen.len() < BEHIND, "{seen:?}");
    }
}
