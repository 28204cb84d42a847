//! A row of the table: a program, how it is started, and what is asked of it.

use std::fmt::{self, Display, Formatter};

/// What the container is started with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    None,
    /// `docker run --init`.
    Tini,
    /// The same, with rinit in the place of the engine's tini.
    Swapped,
    Entrypoint,
    WithOption,
}

pub const INITS: [Init; 5] = [
    Init::None,
    Init::Tini,
    Init::Swapped,
    Init::Entrypoint,
    Init::WithOption,
];

#[derive(PartialEq)]
pub struct Row {
    pub program: String,
    /// `exec`, `terminal`: the same, on a terminal, or `script`: a shell stays before the program.
    pub form: String,
    pub request: Request,
    /// What is sent first, such as QUIT for a thread dump.
    pub before: Option<String>,
    pub signal: String,
    /// What README says to start rinit with, where its defaults are not the best.
    pub option: Option<String>,
}

#[derive(PartialEq)]
pub enum Request {
    Stop,
    Reload,
}

impl Row {
    /// From a line such as `# exec stop TERM -c`, or `# exec stop QUIT,TERM`.
    pub fn of(program: &str, line: &str) -> Option<Row> {
        let words: Vec<&str> = line.strip_prefix("# ")?.splitn(4, ' ').collect();
        let [
            form @ ("exec" | "script" | "terminal"),
            request,
            signals,
            option @ ..,
        ] = &words[..]
        else {
            return None;
        };
        let request = match *request {
            "stop" => Request::Stop,
            "reload" => Request::Reload,
            other => panic!("{program}: neither stop nor reload: {other}"),
        };
        let (before, signal) = match signals.split_once(',') {
            Some((before, signal)) => (Some(before.to_owned()), signal),
            None => (None, *signals),
        };
        Some(Row {
            program: program.to_owned(),
            form: (*form).to_owned(),
            request,
            before,
            signal: signal.to_owned(),
            option: option.first().map(|option| (*option).to_owned()),
        })
    }

    pub fn inits(&self) -> Vec<Init> {
        let mut inits = INITS.to_vec();
        if self.option.is_none() {
            inits.retain(|init| *init != Init::WithOption);
        }
        inits
    }

    /// Beside whom. A shell as process 1 takes no reload: nothing is lost, and nothing reloaded.
    pub fn others(&self) -> &[Init] {
        match self.request {
            Request::Reload if self.form == "script" => &[Init::Tini],
            _ => &[Init::None, Init::Tini],
        }
    }

    pub fn needs_another_signal(&self) -> bool {
        let option = self.option.as_deref();
        option.is_some_and(|option| option.starts_with("--rewrite"))
    }

    /// Where rinit may not be worse than no init and than tini.
    pub fn held_to_it(&self) -> [Init; 2] {
        let entrypoint = if self.option.is_some() {
            Init::WithOption
        } else {
            Init::Entrypoint
        };
        [Init::Swapped, entrypoint]
    }
}

impl Display for Row {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        let form = match &*self.form {
            "script" => " behind a script",
            "terminal" => " on a terminal",
            _ => "",
        };
        let request = match self.request {
            Request::Stop => "stop",
            Request::Reload => "reload",
        };
        write!(out, "{}{form}, {request} (", self.program)?;
        if let Some(before) = &self.before {
            write!(out, "{before}, then ")?;
        }
        write!(out, "{})", self.signal)?;
        match &self.option {
            Some(option) => write!(out, ", `{option}`"),
            None => Ok(()),
        }
    }
}
