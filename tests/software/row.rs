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
    /// `exec`, or `script`: a shell stays before the program.
    pub form: String,
    pub request: Request,
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
    /// From a line such as `# exec stop TERM -c`.
    pub fn of(program: &str, line: &str) -> Option<Row> {
        let words: Vec<&str> = line.strip_prefix("# ")?.split(' ').collect();
        let [form @ ("exec" | "script"), request, signal, option @ ..] = words.as_slice() else {
            return None;
        };
        let request = match *request {
            "stop" => Request::Stop,
            "reload" => Request::Reload,
            other => panic!("{program}: neither stop nor reload: {other}"),
        };
        assert!(option.len() <= 1, "{program}: more than one option");
        Some(Row {
            program: program.to_owned(),
            form: (*form).to_owned(),
            request,
            signal: (*signal).to_owned(),
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
        let form = if self.form == "exec" {
            ""
        } else {
            " behind a script"
        };
        let request = match self.request {
            Request::Stop => "stop",
            Request::Reload => "reload",
        };
        write!(out, "{}{form}, {request} ({})", self.program, self.signal)?;
        match &self.option {
            Some(option) => write!(out, ", `{option}`"),
            None => Ok(()),
        }
    }
}
