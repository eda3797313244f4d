/** The console log, a file; what is secret at the moment is masked. */
class ConsoleLog extends OutputStream {
    static final MASK = '****'
    /** Values that the credentials of the moment hold. */
    final List<String> secrets = []
    private final OutputStream file
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream()

    ConsoleLog(File path) {
        file = new FileOutputStream(path)
    }

    synchronized void line(Object text) {
        file.write("${masked(text.toString())}\n".getBytes('UTF-8'))
        file.flush()
    }

    /** `[Pipeline] sh` and the like. */
    void marker(String text) {
        line("[Pipeline] $text")
    }

    /** What `println` and programs write, a line at a time. */
    @Override
    synchronized void write(int octet) {
        if (octet == (int) '\n') {
            finishLine()
        } else {
            pending.write(octet)
        }
    }

    synchronized void finishLine() {
        line(pending.toString('UTF-8'))
        pending.reset()
    }

    /** The rest of what a program wrote without an end of line. */
    synchronized void finishProgram() {
        if (pending.size()) {
            finishLine()
        }
    }

    /** Mask `values` while `body` runs. */
    Object hiding(Collection<String> values, Closure body) {
        List<String> before = secrets.collect()
        secrets.addAll(values.findAll())
        try {
            return body()
        } finally {
            secrets.clear()
            secrets.addAll(before)
        }
    }

    @Override
    void close() {
        file.close()
    }

    private String masked(String text) {
        secrets.sort(false) { -it.size() }.inject(text) { String masked, String secret -> masked.replace(secret, MASK) }
    }
}
