/** One run of a job: its parameters, its variables, its result, and what it leaves. */
class Job {
    /** From good to bad. */
    static final RESULTS = ['SUCCESS', 'UNSTABLE', 'FAILURE', 'NOT_BUILT', 'ABORTED']

    final Map given
    final ConsoleLog console
    final Shell shell
    /** What the caller gets back. */
    final Map trace = [result: 'SUCCESS', stages: [], post: [], shells: [], archived: [], description: null,
        published: []]
    final Map<String, Object> params = [:]
    /** Groups of variables, the weakest first; those that blocks add come last. */
    final List<Map<String, String>> layers = []
    /** What `env.X = ...` sets: weaker than environment {}. */
    final Map<String, String> assigned = [:]
    /** The workspace, and the folders that dir {} adds. */
    final List<File> folders
    final Map<String, File> stashes = [:]
    volatile boolean abortWanted = false
    volatile boolean ended = false
    private boolean abortSeen = false

    Job(Map given) {
        this.given = given
        console = new ConsoleLog(new File(given.console))
        shell = new Shell(console, given.shell ?: '/bin/sh', (given.kill_after_ms ?: 5000) as int)
        folders = [new File(given.workspace)]
        trace.display_name = "#${number}".toString()
        layers << (given.env ?: [:]) + [
            BUILD_NUMBER: number, BUILD_ID: number, JOB_NAME: jobName, JOB_BASE_NAME: jobName,
            BUILD_TAG: "jenkins-$jobName-$number",
            BUILD_URL: "https://ci.example.com/job/$jobName/$number/", WORKSPACE: folder.path, EXECUTOR_NUMBER: '0',
        ].collectEntries { key, value -> [(key): value.toString()] }
        layers << assigned
    }

    String getNumber() { (given.number ?: 1).toString() }

    String getJobName() { given.job ?: 'job' }

    File getFolder() { folders.last() }

    File file(String path) {
        path.startsWith('/') ? new File(path) : new File(folder, path)
    }

    /** The variables of the moment, the later group stronger. */
    Map<String, String> variables() {
        layers.inject([:]) { all, layer -> all + layer }
    }

    /** Run `body` with further variables; `PATH+X=/dir` goes before the PATH. */
    Object with(Map<String, String> more, Closure body) {
        layers << more.collectEntries { name, value ->
            List<String> parts = name.tokenize('+')
            parts.size() == 1 ? [(name): value] : [(parts[0]): [value, variables()[parts[0]]].findAll().join(':')]
        }
        try {
            return body()
        } finally {
            layers.remove(layers.size() - 1)
        }
    }

    String getResult() { trace.result }

    /** Results only get worse. */
    void worsen(String result) {
        if (!(result in RESULTS)) {
            throw new StepFailed("there is no result $result")
        }
        trace.result = [trace.result, result].max { RESULTS.indexOf(it) }
    }

    boolean isStopped() {
        RESULTS.indexOf(result) >= RESULTS.indexOf('FAILURE')
    }

    /** From another thread; too late it does nothing. */
    void abort() {
        if (ended) {
            return
        }
        console.line('Aborted by the tests')
        abortWanted = true
        shell.stop()
    }

    /** Ends the step at work, once: what post {} does afterwards runs. */
    void stopIfAborted() {
        if (abortWanted && !abortSeen) {
            abortSeen = true
            throw new Aborted()
        }
    }
}
