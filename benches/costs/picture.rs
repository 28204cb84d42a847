//! The picture of the table, for README: a panel for each row in which the peers take part.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::inits::{Init, Role};
use crate::rows::{Row, Unit};
use crate::table::number;

/// All in pixels.
const WIDTH: usize = 800;
const COLUMNS: usize = 2;
const MARGIN: usize = 16;
const HEAD: usize = 64;
const BAR: usize = 12;
const PITCH: usize = 18;
const TITLE: usize = 26;
const NAME: usize = 88;
const NUMBER: usize = 44;

/// On a ground of its own: not every viewer tells whether the page around it is dark.
const STYLE: &str = "
    text { font: 12px system-ui, 'DejaVu Sans', sans-serif; fill: #59636e }
    .title { font-size: 17px; font-weight: 600; fill: #1f2328 }
    .row { font-size: 13px; font-weight: 600; fill: #1f2328 }
    .rinit { fill: #1f2328; font-weight: 600 }
    .name { text-anchor: end }
    rect { fill: #b4bcc5 }
    rect.rinit { fill: #0a7d5a }
    rect.ground { fill: #ffffff }
    line { stroke: #818b98; stroke-dasharray: 2 2 }
    @media (prefers-color-scheme: dark) {
        text { fill: #9198a1 }
        .title, .row, .rinit { fill: #f0f6fc }
        rect { fill: #4b535d }
        rect.rinit { fill: #3fb98c }
        rect.ground { fill: #0d1117 }
        line { stroke: #9198a1 }
    }
";

pub fn draw(inits: &[Init], rows: &[Row]) {
    let ours = if inits.iter().any(|init| init.role == Role::Release) {
        Role::Release
    } else {
        Role::Plain
    };
    let shown: Vec<_> = (0..inits.len())
        .filter(|&index| [ours, Role::Peer].contains(&inits[index].role))
        .collect();
    let is_peers = |row: &&Row| {
        let mut peers = shown
            .iter()
            .filter(|&&index| inits[index].role == Role::Peer);
        peers.any(|&index| row.figures[index].is_some())
    };
    let rows: Vec<_> = rows.iter().filter(is_peers).collect();

    let panel_height = TITLE + shown.len() * PITCH + MARGIN;
    let height = HEAD + rows.len().div_ceil(COLUMNS) * panel_height + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>What rinit costs beside its peers</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"8\"/>\n"
    );
    text(
        &mut svg,
        "title",
        MARGIN,
        28,
        "What rinit costs beside its peers",
    );
    let legend = "Less is better. Ratios: the best of the peers is 1.";
    text(&mut svg, "", MARGIN, 48, legend);
    for (place, row) in rows.iter().enumerate() {
        let left = MARGIN + place % COLUMNS * (WIDTH / COLUMNS);
        let top = HEAD + place / COLUMNS * panel_height;
        panel(&mut svg, (left, top), row, inits, &shown);
    }
    text(&mut svg, "", MARGIN, height - MARGIN, &machine());
    svg.push_str("</svg>\n");

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/costs.svg");
    fs::write(&path, svg).expect("the picture");
    println!("the picture: {}", path.display());
}

fn panel(
    svg: &mut String,
    (left, top): (usize, usize),
    row: &Row,
    inits: &[Init],
    shown: &[usize],
) {
    text(svg, "row", left, top + 14, row.what);
    let middle = |&index: &usize| row.figures[index].map_or(0.0, |figure| figure.middle);
    let longest = shown.iter().map(middle).fold(1.0, f64::max);
    let room = WIDTH / COLUMNS - 2 * MARGIN - NAME - NUMBER;
    let length = |value: f64| value / longest * room as f64;
    let bars = left + NAME + 8;
    for (place, index) in shown.iter().enumerate() {
        let init = &inits[*index];
        let class = if init.role == Role::Peer { "" } else { "rinit" };
        let top = top + TITLE + place * PITCH;
        let baseline = top + BAR - 2;
        text(
            svg,
            &format!("name {class}"),
            left + NAME,
            baseline,
            init.name,
        );
        let value = middle(index);
        // A line where there is nothing, so that nothing is seen.
        let long = length(value).max(1.5);
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{bars}\" y=\"{top}\" width=\"{long:.1}\" height=\"{BAR}\" rx=\"1.5\"/>"
        );
        let end = bars + long as usize + 6;
        text(svg, class, end, baseline, &number(row.unit, value));
    }
    if row.unit == Unit::Ratio {
        let (x, top) = (bars as f64 + length(1.0), top + TITLE - 3);
        let bottom = top + shown.len() * PITCH;
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>"
        );
    }
}

fn text(svg: &mut String, class: &str, x: usize, y: usize, text: &str) {
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>"
    );
}

/// Where this was measured: the processor, how many of them, and the kernel.
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == "model name")
        .map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    let model = model.replace("(R)", "").replace("(TM)", "");
    let count = cpus
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = release.split('-').next().unwrap_or_default().trim();
    format!("{model}, {count} processors, Linux {kernel}; all of it on one processor")
}
