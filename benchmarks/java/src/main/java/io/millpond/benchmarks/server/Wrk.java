package io.millpond.benchmarks.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The load generator wrk: keep-alive connections that ask for one file after the other, as fast as they are answered. */
final class Wrk {
    private static final String CONNECTIONS = "64";
    private static final Pattern RATE = Pattern.compile("Requests/sec:\\s+([0-9.]+)");
    private static final Pattern ERRORS = Pattern.compile("Socket errors: .*|Non-2xx or 3xx responses: .*");

    private final Path script;

    /**
     * What one run found.
     *
     * @param rate requests a second
     * @param median latency in ms
     * @param p99 latency in ms of which 99 % are below
     */
    record Result(double rate, double median, double p99) {}

    /** Asks for these files in turn. */
    Wrk(Path directory, List<String> files) throws IOException {
        script = directory.resolve("requests.lua");
        String names = String.join("\", \"/", files);
        Files.writeString(script, "local files = {\"/" + names + "\"}\nlocal next = 0\n"
            + "request = function()\n  next = next % #files + 1\n  return wrk.format(\"GET\", files[next])\nend\n");
    }

    static boolean isThere() {
        try {
            Process process = new ProcessBuilder("wrk", "-v").redirectErrorStream(true).start();
            process.getInputStream().readAllBytes();
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    Result run(String url, int seconds) throws IOException {
        Process process = new ProcessBuilder("wrk", "-t1", "-c" + CONNECTIONS, "-d" + seconds + "s", "--latency", "-s",
            script.toString(), url).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher errors = ERRORS.matcher(output);
        if (errors.find()) {
            throw new IOException("the load was not answered: " + errors.group());
        }
        Matcher rate = RATE.matcher(output);
        if (!rate.find()) {
            throw new IOException("wrk said something else than expected: " + output);
        }
        return new Result(Double.parseDouble(rate.group(1)), latency(output, "50"), latency(output, "99"));
    }

    /** In ms. */
    private static double latency(String output, String percent) throws IOException {
        Matcher line = Pattern.compile(percent + "%\\s+([0-9.]+)(us|ms|s)").matcher(output);
        if (!line.find()) {
            throw new IOException("wrk said no latencies: " + output);
        }
        double value = Double.parseDouble(line.group(1));
        return switch (line.group(2)) {
            case "us" -> value / 1000;
            case "ms" -> value;
            default -> value * 1000;
        };
    }
}
