package io.millpond.benchmarks;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a program was given on its command line. */
public final class Arguments {
    private final Map<String, String> given = new HashMap<>();

    /**
     * Reads it.
     *
     * @param args the command line
     * @param flags options without a value
     * @param options options with one
     * @throws IllegalArgumentException if there is anything else, or a value is missing
     */
    public Arguments(String[] args, List<String> flags, List<String> options) {
        for (int i = 0; i < args.length; i++) {
            String name = args[i];
            if (flags.contains(name)) {
                given.put(name, "");
            } else if (!options.contains(name)) {
                throw new IllegalArgumentException("'" + name + "' is no option; there are " + flags + " and " + options);
            } else if (++i == args.length) {
                throw new IllegalArgumentException(name + " needs a value");
            } else {
                given.put(name, args[i]);
            }
        }
    }

    /**
     * Asks for a flag.
     *
     * @param name of a flag
     * @return whether it was given
     */
    public boolean has(String name) {
        return given.containsKey(name);
    }

    /**
     * Asks for an option.
     *
     * @param name of an option
     * @param otherwise what to return if it was not given
     * @return its value
     */
    public String get(String name, String otherwise) {
        return given.getOrDefault(name, otherwise);
    }
}
