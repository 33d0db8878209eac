package io.millpond.benchmarks.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A page that is written by hand, but for what lies between {@code <!-- begin NAME -->} and {@code <!-- end -->}. */
final class Page {
    private static final Pattern GENERATED = Pattern.compile("(<!-- begin (.*?) -->\n).*?(<!-- end -->)", Pattern.DOTALL);

    private Page() {}

    /** Replaces each such part by what {@code content} has for its name; where that is nothing, it stays as it is. */
    static void fill(Path file, UnaryOperator<String> content) throws IOException {
        String page = Files.readString(file);
        String filled = GENERATED.matcher(page).replaceAll(part -> {
            String text = content.apply(part.group(2)).stripTrailing();
            return Matcher.quoteReplacement(text.isEmpty() ? part.group() : part.group(1) + text + "\n" + part.group(3));
        });
        Files.writeString(file, filled);
    }
}
