package io.millpond.benchmarks.report;

import io.millpond.benchmarks.Arguments;
import io.millpond.benchmarks.Figure;
import io.millpond.benchmarks.memory.MemoryFigure;
import io.millpond.benchmarks.memory.RetainedPlot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Fills the tables of {@code docs/benchmarks-java.md} from the records of the benchmarks and of the memory programs, and draws
 * its pictures. Of what was not measured the page keeps what it has.
 *
 * <p>{@code Report [--costs FILE] [--memory FILE] [--page FILE]}
 */
public final class Report {
    private final Costs costs;
    private final List<MemoryFigure> memory;

    private Report(Costs costs, List<MemoryFigure> memory) {
        this.costs = costs;
        this.memory = memory;
    }

    /**
     * Writes.
     *
     * @param args see above
     * @throws IOException if the records cannot be read, or the page not written
     */
    public static void main(String[] args) throws IOException {
        Arguments arguments = new Arguments(args, List.of(), List.of("--costs", "--memory", "--page"));
        Costs costs = new Costs(Figure.read(Path.of(arguments.get("--costs", "build/benchmarks/java.tsv"))));
        List<MemoryFigure> memory = MemoryFigure.read(Path.of(arguments.get("--memory", "build/benchmarks/memory.tsv")));
        Path page = Path.of(arguments.get("--page", "docs/benchmarks-java.md"));
        Page.fill(page, new Report(costs, memory)::part);
        for (int jdk : costs.jdks()) {
            Optional<String> plot = RetainedPlot.draw(memory, jdk);
            if (plot.isPresent()) {
                Files.writeString(page.resolveSibling("benchmarks-retained-" + jdk + ".svg"), plot.get());
            }
        }
    }

    private String part(String name) {
        return switch (name) {
            case "machine" -> machine();
            case "targets" -> new Targets(costs, memory).core();
            case "targets netty" -> new Targets(costs, memory).netty();
            case "standings" -> costs.standings();
            case "plain" -> costs.plain(List.of("floor", "floor of a burst", "ring"));
            case "garbage" -> costs.garbage(List.of("pair", "burst of 64", "live"));
            case "retained", "container", "trim-time", "heap-growth", "http", "https", "https-jdk" ->
                new Memory(memory).table(name);
            default -> costs.table(name);
        };
    }

    private static String machine() {
        String processor = "unknown processor";
        try {
            processor = Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("model name"))
                .map(line -> line.replaceAll(".*: ", "")).findFirst().orElse(processor);
        } catch (IOException e) {
            // The figures are worth printing without it.
        }
        // What comes after the number was chosen by whoever built the kernel.
        String version = System.getProperty("os.version").replaceAll("-.*", "");
        return processor + " (" + Runtime.getRuntime().availableProcessors() + " processors), "
            + System.getProperty("os.name") + " " + version + ".";
    }
}
