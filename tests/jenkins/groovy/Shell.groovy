import java.nio.file.Files
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.TimeUnit

/** Runs the text of a shell step as an agent does: a file, a process group, an environment of its own, no stdin. */
class Shell {
    private static final POLL_MS = 20
    private final ConsoleLog console
    private final String sh
    private final int killAfterMs
    private volatile Process running
    private volatile boolean stopping = false

    Shell(ConsoleLog console, String sh, int killAfterMs) {
        this.console = console
        this.sh = sh
        this.killAfterMs = killAfterMs
    }

    /** The exit code. Everything it says goes to the console, but its stdout to `stdout` when that is given. */
    int run(String script, Map<String, String> variables, File folder, File stdout) {
        File control = Files.createTempDirectory('durable-').toFile()
        File log = new File(control, 'log.txt')
        File text = new File(control, 'script.sh')
        try {
            text.setText(script, 'UTF-8')
            Files.setPosixFilePermissions(text.toPath(), PosixFilePermissions.fromString('rwx------'))
            // Not the leader of a process group, so setsid keeps the process id, which then names the group.
            ProcessBuilder builder = new ProcessBuilder(['setsid'] + command(script, text.path))
            builder.directory(folder)
            builder.environment().clear()
            builder.environment().putAll(variables)
            builder.redirectInput(new File('/dev/null'))
            builder.redirectError(log)
            if (stdout) {
                builder.redirectOutput(stdout)
            } else {
                builder.redirectErrorStream(true).redirectOutput(log)
            }
            running = builder.start()
            return follow(running, log)
        } finally {
            running = null
            control.deleteDir()
        }
    }

    /** From another thread: TERM to the process group of the step, and KILL to what is left of it after the grace. */
    void stop() {
        Process process = running
        if (process) {
            stopping = true
            console.line('Sending interrupt signal to process')
            signal('TERM', process)
            long killAt = System.currentTimeMillis() + killAfterMs
            while (isAlive(process) && System.currentTimeMillis() < killAt) {
                sleep(POLL_MS)
            }
            if (isAlive(process)) {
                console.line('It did not end in time: killed')
                signal('KILL', process)
            }
            stopping = false
        }
    }

    /** Whether anything of the group lives; a zombie does not. */
    private static boolean isAlive(Process process) {
        String all = ['ps', '-eo', 'pgid=,stat='].execute().text
        all.readLines()*.trim()*.split(/\s+/).any { it[0] == process.pid().toString() && !it[1].startsWith('Z') }
    }

    private List<String> command(String script, String path) {
        if (!script.startsWith('#!')) {
            return [sh, '-xe', path]
        }
        script.readLines()[0].substring(2).trim().split(/\s+/, 2).toList() + [path]
    }

    private static void signal(String name, Process process) {
        new ProcessBuilder('kill', "-$name", '--', "-${process.pid()}").redirectErrorStream(true).start().waitFor()
    }

    private int follow(Process process, File log) {
        log.createNewFile()
        log.withInputStream { stream ->
            while (!process.waitFor(POLL_MS, TimeUnit.MILLISECONDS)) {
                copy(stream)
            }
            while (stopping) { // the shell itself ends at once, what it started may have to tidy up
                sleep(POLL_MS)
            }
            copy(stream)
        }
        console.finishProgram()
        process.exitValue()
    }

    private void copy(InputStream stream) {
        byte[] chunk = new byte[8192]
        for (int count = stream.read(chunk); count > 0; count = stream.read(chunk)) {
            console.write(chunk, 0, count)
        }
    }
}
