package io.millpond.examples;

/** The two ways to get buffers that are compared. */
enum Mode {
    DIRECT("allocateDirect") {
        @Override
        BufferSource open(String name) {
            return new DirectSource();
        }
    },
    MILLPOND("Millpond") {
        @Override
        BufferSource open(String name) {
            return new MillpondSource(name, Runtime.getRuntime().maxMemory());
        }
    };

    private final String title;

    Mode(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }

    /** Opens a source with as much memory as {@code allocateDirect} may use: the maximum size of the Java heap. */
    abstract BufferSource open(String name);
}
