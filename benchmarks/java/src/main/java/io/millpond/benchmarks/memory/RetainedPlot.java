package io.millpond.benchmarks.memory;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Draws what {@link Retained} saw on one JDK: resident memory over time, a line for each allocator. Of allocators that were
 * measured more than once it takes the last run.
 */
public final class RetainedPlot {
    /** Where the picture begins, in seconds: how long filling took before is of no interest. */
    private static final double FIRST = -2;

    private RetainedPlot() {}

    /**
     * The picture.
     *
     * @param figures what was found, by whichever program
     * @param jdk whose samples to draw
     * @return an SVG document; nothing if there are none
     */
    public static Optional<String> draw(List<MemoryFigure> figures, int jdk) {
        Map<String, List<Chart.Point>> lines = new LinkedHashMap<>();
        for (MemoryFigure figure : figures) {
            if (isSample(figure, jdk) && seconds(figure) >= FIRST) {
                List<Chart.Point> line = lines.computeIfAbsent(figure.allocator(), key -> new ArrayList<>());
                add(line, new Chart.Point(seconds(figure), figure.number()));
            }
        }
        if (lines.isEmpty()) {
            return Optional.empty();
        }
        String title = "Resident memory after a burst of 1 GiB, all of it released, MiB above the start (JDK " + jdk + ")";
        return Optional.of(new Chart(title, "seconds since the release, without any call or collection", lines).svg());
    }

    private static boolean isSample(MemoryFigure figure, int jdk) {
        return figure.program().equals(Retained.PROGRAM) && figure.jdk() == jdk && figure.isSample();
    }

    private static double seconds(MemoryFigure figure) {
        return Double.parseDouble(figure.key().substring(MemoryFigure.SAMPLE.length()));
    }

    /** Time that goes back is a later run. */
    private static void add(List<Chart.Point> line, Chart.Point point) {
        if (!line.isEmpty() && line.get(line.size() - 1).x() > point.x()) {
            line.clear();
        }
        line.add(point);
    }
}
