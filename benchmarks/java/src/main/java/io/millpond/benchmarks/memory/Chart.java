package io.millpond.benchmarks.memory;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A line chart as SVG, with the names of the lines at their ends; the first line stands out, and x = 0 is marked. */
final class Chart {
    private static final double WIDTH = 760;
    private static final double HEIGHT = 400;
    private static final double LEFT = 60;
    private static final double RIGHT = 630;
    private static final double TOP = 40;
    private static final double BOTTOM = 350;
    private static final double LABEL_HEIGHT = 16;
    private static final int X_STEP = 2;
    private static final int Y_STEP = 200;
    /** Told apart by people who do not see all colours (Okabe and Ito). */
    private static final List<String> COLOURS = List.of("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#999999", "#56b4e9",
        "#000000", "#e69f00");

    private final String title;
    private final String label;
    private final Map<String, List<Point>> lines;
    private final double least;
    private final double most;
    private final double highest;
    private final StringBuilder svg = new StringBuilder();

    /** A point of a line. */
    record Point(double x, double y) {}

    /**
     * Of these lines.
     *
     * @param title what is drawn, with the unit of y
     * @param label what x is, with its unit
     * @param lines by name; none is empty
     */
    Chart(String title, String label, Map<String, List<Point>> lines) {
        this.title = title;
        this.label = label;
        this.lines = lines;
        List<Point> all = lines.values().stream().flatMap(List::stream).toList();
        least = Math.min(0, Math.floor(all.stream().mapToDouble(Point::x).min().orElse(0)));
        most = all.stream().mapToDouble(Point::x).max().orElse(1);
        double top = all.stream().mapToDouble(Point::y).max().orElse(1);
        highest = Math.max(1, Math.ceil(top / Y_STEP)) * Y_STEP;
    }

    /** The picture. */
    String svg() {
        svg.setLength(0);
        put("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\">",
            WIDTH, HEIGHT);
        put("<rect width=\"%.0f\" height=\"%.0f\" fill=\"white\"/>", WIDTH, HEIGHT);
        text(WIDTH / 2, 22, "middle", title);
        text((LEFT + RIGHT) / 2, HEIGHT - 10, "middle", label);
        grid();
        lines();
        put("</svg>");
        return svg.toString();
    }

    private void grid() {
        for (int y = 0; y <= highest; y += Y_STEP) {
            put("<path d=\"M%.1f %.1fH%.1f\" stroke=\"#dddddd\"/>", LEFT, y(y), RIGHT);
            text(LEFT - 6, y(y) + 4, "end", Integer.toString(y));
        }
        for (int x = (int) Math.ceil(least / X_STEP) * X_STEP; x <= most; x += X_STEP) {
            put("<path d=\"M%.1f %.1fv5\" stroke=\"#666666\"/>", x(x), BOTTOM);
            text(x(x), BOTTOM + 18, "middle", Integer.toString(x));
        }
        put("<path d=\"M%.1f %.1fV%.1f\" stroke=\"#666666\" stroke-dasharray=\"4 3\"/>", x(0), BOTTOM, TOP);
        text(x(0) + 4, TOP + 8, "start", "released");
    }

    private void lines() {
        List<String> names = new ArrayList<>(lines.keySet());
        double[] labels = labels(names);
        // The first one is drawn last, over the others.
        for (int i = names.size() - 1; i >= 0; i--) {
            String colour = COLOURS.get(i % COLOURS.size());
            put("<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"/>", path(lines.get(names.get(i))), colour,
                i == 0 ? "3" : "1.5");
            put("<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>", RIGHT + 8, labels[i] + 4, colour, names.get(i));
        }
    }

    private String path(List<Point> points) {
        StringBuilder path = new StringBuilder();
        for (Point point : points) {
            path.append(String.format(Locale.ROOT, "%s%.1f %.1f", path.isEmpty() ? "M" : "L", x(point.x()), y(point.y())));
        }
        return path.toString();
    }

    /** How high the names stand: at their lines' ends, moved up where they would cover each other. */
    private double[] labels(List<String> names) {
        double[] labels = names.stream().mapToDouble(name -> y(end(lines.get(name)))).toArray();
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < labels.length; i++) {
            order.add(i);
        }
        order.sort(Comparator.comparingDouble(i -> -labels[i]));
        double below = BOTTOM + LABEL_HEIGHT;
        for (int i : order) {
            labels[i] = Math.min(labels[i], below - LABEL_HEIGHT);
            below = labels[i];
        }
        return labels;
    }

    private static double end(List<Point> points) {
        return points.get(points.size() - 1).y();
    }

    private double x(double x) {
        return LEFT + (x - least) / (most - least) * (RIGHT - LEFT);
    }

    private double y(double y) {
        return BOTTOM - y / highest * (BOTTOM - TOP);
    }

    private void text(double x, double y, String anchor, String text) {
        put("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", x, y, anchor, text);
    }

    private void put(String format, Object... arguments) {
        svg.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }
}
