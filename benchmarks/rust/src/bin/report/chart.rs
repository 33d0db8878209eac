//! Line charts as SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Told apart by people who do not see all colours (Okabe and Ito).
const COLOURS: [&str; 7] = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#999999", "#56b4e9", "#000000"];
/// Labels of lines keep this distance.
const LABEL_HEIGHT: f64 = 16.0;

/// A line of a chart.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// A chart with lines, the first of which stands out.
pub struct Chart {
    pub title: &'static str,
    pub x_label: &'static str,
    /// Names of x = 0, 1, …; without any, x is a number.
    pub x_names: Vec<String>,
    /// Whether y is.
    pub logarithmic: bool,
    pub series: Vec<Series>,
}

impl Chart {
    /// The picture.
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
        );
        self.text(&mut svg, WIDTH / 2.0, 22.0, "middle", self.title);
        self.text(&mut svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10.0, "middle", self.x_label);
        self.grid(&mut svg);
        self.lines(&mut svg);
        svg + "</svg>\n"
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.series.iter().flat_map(|series| series.points.iter().copied())
    }

    fn x_max(&self) -> f64 {
        self.points().map(|(x, _)| x).fold(1.0, f64::max)
    }

    /// The decades that hold all values, or a round number above them and zero.
    fn y_range(&self) -> (f64, f64) {
        let most = self.points().map(|(_, y)| y).fold(1.0, f64::max);
        if !self.logarithmic {
            return (0.0, (most / 200.0).ceil() * 200.0);
        }
        let least = self.points().map(|(_, y)| y).fold(most, f64::min).max(0.01);
        (10f64.powf(least.log10().floor()), 10f64.powf(most.log10().ceil()))
    }

    fn x(&self, x: f64) -> f64 {
        LEFT + x / self.x_max() * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, y: f64) -> f64 {
        let (least, most) = self.y_range();
        let share = if self.logarithmic {
            (y.max(least) / least).log10() / (most / least).log10()
        } else {
            (y - least) / (most - least)
        };
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }

    fn grid(&self, svg: &mut String) {
        let (least, most) = self.y_range();
        let mut tick = least;
        while tick <= most * 1.001 {
            let y = self.y(tick);
            let end = WIDTH - RIGHT;
            writeln!(svg, "<path d=\"M{LEFT:.1} {y:.1}H{end:.1}\" stroke=\"#dddddd\"/>").expect(STRING);
            self.text(svg, LEFT - 6.0, y + 4.0, "end", &format!("{tick}"));
            tick = if self.logarithmic { tick * 10.0 } else { tick + 200.0 };
        }
        if self.x_names.is_empty() {
            for second in (0..=self.x_max() as usize).step_by(2) {
                self.text(svg, self.x(second as f64), HEIGHT - BOTTOM + 18.0, "middle", &second.to_string());
            }
        }
        for (at, name) in self.x_names.iter().enumerate() {
            self.text(svg, self.x(at as f64), HEIGHT - BOTTOM + 18.0, "middle", name);
        }
    }

    fn lines(&self, svg: &mut String) {
        let ends = self.series.iter().map(|series| series.points.last().map_or(0.0, |(_, y)| self.y(*y)));
        let labels = spread(ends.collect());
        // The first one is drawn last, over the others.
        for (index, series) in self.series.iter().enumerate().rev() {
            let colour = COLOURS[index % COLOURS.len()];
            let width = if index == 0 { 3.0 } else { 1.5 };
            let mut path = String::new();
            for (x, y) in &series.points {
                let command = if path.is_empty() { 'M' } else { 'L' };
                write!(path, "{command}{:.1} {:.1}", self.x(*x), self.y(*y)).expect(STRING);
            }
            writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>")
                .expect(STRING);
            let (x, y) = (WIDTH - RIGHT + 8.0, labels[index] + 4.0);
            writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", series.name).expect(STRING);
        }
    }

    fn text(&self, svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>").expect(STRING);
    }
}

const STRING: &str = "writing to a string";

/// Moves labels apart that would cover each other.
fn spread(ends: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by(|a, b| ends[*b].total_cmp(&ends[*a]));
    let mut placed = ends;
    let mut below = HEIGHT - BOTTOM + LABEL_HEIGHT;
    for index in order {
        placed[index] = placed[index].min(below - LABEL_HEIGHT);
        below = placed[index];
    }
    placed
}
