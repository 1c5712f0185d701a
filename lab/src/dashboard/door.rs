//! Who may come in, and who may press levers.
//!
//! A page of another site can make a browser send requests here. It cannot set the headers that levers ask for without our consent,
//! which is never given, and a name of its own for this address (DNS rebinding) is turned away by the `Host` that comes with it.
use hyper::{
    HeaderMap,
    header::{CONTENT_TYPE, HOST, ORIGIN},
};
use std::net::{IpAddr, SocketAddr};

/// The header without which nothing is changed; browsers send it for pages of this server only.
const LAB: &str = "x-lab";
/// The header with the token.
const TOKEN: &str = "x-lab-token";

/// What is asked of those who come.
#[derive(Clone, Debug)]
pub(super) struct Door {
    address: SocketAddr,
    /// `None`: on loopback, where everybody who can come is the user.
    token: Option<String>,
}

/// Why someone is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Comes by another name.
    Host,
    /// Is sent by a page of another site.
    Origin,
    /// Does not say that it is the page of this server.
    NotThePage,
    /// Does not send JSON.
    NotJson,
    /// Has no token, or a wrong one.
    Token,
}

impl Refusal {
    /// In words.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Refusal::Host => "this server is not known by that name; use the address that it printed",
            Refusal::Origin => "levers are pressed from the dashboard's own page only",
            Refusal::NotThePage => "the header `X-Lab: 1` is missing",
            Refusal::NotJson => "the header `Content-Type: application/json` is missing",
            Refusal::Token => {
                "levers ask for the token here; open the address with `?token=…` that the server printed"
            }
        }
    }
}

impl Door {
    /// The door of a server at `address`.
    pub(super) fn new(address: SocketAddr, token: Option<String>) -> Door {
        Door { address, token }
    }

    /// Whether whoever sends these headers may look.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn look(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.get(HOST).and_then(|h| h.to_str().ok()).ok_or(Refusal::Host)?;
        if self.is_us(host) { Ok(()) } else { Err(Refusal::Host) }
    }

    /// Whether whoever sends these headers may change the run.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn press(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().ok().and_then(|o| o.strip_prefix("http://"));
            if !origin.is_some_and(|host| self.is_us(host) && text(HOST.as_str()) == Some(host)) {
                return Err(Refusal::Origin);
            }
        }
        if text(LAB) != Some("1") {
            return Err(Refusal::NotThePage);
        }
        let json = text(CONTENT_TYPE.as_str()).is_some_and(|t| {
            t.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case("application/json"))
        });
        if !json {
            return Err(Refusal::NotJson);
        }
        match &self.token {
            Some(token) if !text(TOKEN).is_some_and(|given| same(given, token)) => Err(Refusal::Token),
            _ => Ok(()),
        }
    }

    /// Whether `host`, with its port, is a name of this server: a number, not a name that anybody could have pointed here, but for
    /// `localhost`.
    fn is_us(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else { return false };
        if port.parse() != Ok(self.address.port()) {
            return false;
        }
        let Ok(ip) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else {
            return self.local() && name.eq_ignore_ascii_case("localhost");
        };
        ip == self.address.ip() || self.address.ip().is_unspecified() || self.local() && ip.is_loopback()
    }

    fn local(&self) -> bool {
        self.address.ip().is_loopback() || self.address.ip().is_unspecified()
    }
}

/// Whether two words are the same, without telling by the time it takes how far they are.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    const OURS: [(&str, &str); 3] =
        [("host", "127.0.0.1:8080"), ("x-lab", "1"), ("content-type", "application/json")];

    #[test]
    fn names_that_anybody_could_point_here_are_turned_away() {
        let door = Door::new("127.0.0.1:8080".parse().unwrap(), None);
        let look = |host: &str| door.look(&headers(&[("host", host)]));
        for good in ["127.0.0.1:8080", "localhost:8080", "LocalHost:8080", "[::1]:8080"] {
            assert_eq!(look(good), Ok(()), "{good}");
        }
        for bad in [
            "evil.example:8080",
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost.evil.example:8080",
            "10.0.0.1:8080",
            "",
        ] {
            assert_eq!(look(bad), Err(Refusal::Host), "{bad}");
        }
        assert_eq!(door.look(&HeaderMap::new()), Err(Refusal::Host));
    }

    #[test]
    fn only_the_page_of_this_server_presses_levers() {
        let door = Door::new("127.0.0.1:8080".parse().unwrap(), None);
        assert_eq!(door.press(&headers(&OURS)), Ok(()));
        let with = |extra: (&'static str, &str)| door.press(&headers(&[&OURS[..], &[extra]].concat()));
        assert_eq!(with(("origin", "http://127.0.0.1:8080")), Ok(()));
        for origin in [
            "http://evil.example",
            "https://127.0.0.1:8080",
            "null",
            "http://localhost:8080",
            "http://127.0.0.1:80",
        ] {
            assert_eq!(with(("origin", origin)), Err(Refusal::Origin), "{origin}");
        }
        assert_eq!(door.press(&headers(&[OURS[0], OURS[2]])), Err(Refusal::NotThePage));
        assert_eq!(door.press(&headers(&OURS[..2])), Err(Refusal::NotJson));
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(door.press(&headers(&[OURS[0], OURS[1], form])), Err(Refusal::NotJson));
    }

    #[test]
    fn off_loopback_levers_ask_for_the_token_and_looking_does_not() {
        let door = Door::new("0.0.0.0:8080".parse().unwrap(), Some("secret".into()));
        assert_eq!(door.look(&headers(&[("host", "192.168.0.7:8080")])), Ok(()));
        assert_eq!(door.look(&headers(&[("host", "evil.example:8080")])), Err(Refusal::Host));
        let with = |token: &str| door.press(&headers(&[&OURS[..], &[("x-lab-token", token)]].concat()));
        assert_eq!(door.press(&headers(&OURS)), Err(Refusal::Token));
        assert_eq!((with("secre"), with("secret")), (Err(Refusal::Token), Ok(())));
    }
}
