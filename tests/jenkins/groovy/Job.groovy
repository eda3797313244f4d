import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

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
    /** Of the agent; none while there is none. */
    final Map<String, String> agent = [:]
    /** Groups of variables, the weakest first: agent, controller, run, parameters, `assigned`, then those of blocks. */
    final List<Map<String, String>> layers = []
    /** What `env.X = ...` sets: weaker than environment {}. */
    final Map<String, String> assigned = [:]
    /** The workspace, and the folders that dir {} adds. */
    final List<File> folders
    final Map<String, File> stashes = [:]
    /** A stage or a post condition has thrown something: the stages that follow are skipped. */
    boolean failed = false
    /** When the time of the blocks around ends, in milliseconds of the clock. */
    final List<Long> deadlines = []
    volatile boolean abortWanted = false
    volatile boolean ended = false
    private boolean abortSeen = false

    Job(Map given) {
        this.given = given
        console = new ConsoleLog(new File(given.console))
        shell = new Shell(console, given.shell ?: '/bin/sh', (given.kill_after_ms ?: 5000) as int)
        folders = [new File(given.workspace)]
        trace.display_name = "#${number}".toString()
        layers << agent
        layers << (given.globals ?: [:]) + [
            BUILD_NUMBER: number, BUILD_ID: number, JOB_NAME: jobName, JOB_BASE_NAME: jobName,
            BUILD_TAG: "jenkins-$jobName-$number", BUILD_URL: "https://ci.example.com/job/$jobName/$number/",
            JENKINS_URL: 'https://ci.example.com/',
        ].collectEntries { key, value -> [(key): value.toString()] }
        layers << assigned
    }

    String getNumber() { (given.number ?: 1).toString() }

    String getJobName() { given.job ?: 'job' }

    File getFolder() { folders.last() }

    File file(String path) {
        path.startsWith('/') ? new File(path) : new File(folder, path)
    }

    /** The parameters as variables; `$NAME` in one is the run's own variable of that name, and no other. */
    void addParameters(Map<String, String> parameters) {
        Map<String, String> known = layers[1] + parameters
        layers.add(2, parameters.collectEntries { name, value -> [(name): resolved(value, known)] })
    }

    private static String resolved(String value, Map<String, String> known) {
        value.replaceAll(/\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_.]+)\}|\$)/) { List<String> found ->
            String name = found[1] ?: found[2]
            name ? (known.containsKey(name) ? known[name] : found[0]) : '$'
        }
    }

    /** The variables of the moment, the later group stronger; over those of an agent, an empty one takes one away. */
    Map<String, String> variables() {
        Map<String, String> all = layers.inject([:]) { sum, layer -> sum + layer }
        onAgent ? all.findAll { it.value } : all
    }

    boolean isOnAgent() { !agent.isEmpty() }

    /** Run `body` on an agent, whose variables are the weakest. */
    Object onAgent(Closure body) {
        folder.mkdirs()
        agent.putAll((given.env ?: [:]) + [NODE_NAME: 'agent-1', WORKSPACE: folder.path, EXECUTOR_NUMBER: '0'])
        try {
            return body()
        } finally {
            agent.clear()
        }
    }

    /** Run `body` in at most so many minutes, which is seen while it waits for an agent. */
    Object within(BigDecimal minutes, Closure body) {
        long milliseconds = minutes * (given.minute_ms ?: 60_000)
        deadlines.add(System.currentTimeMillis() + milliseconds)
        try {
            return body()
        } finally {
            deadlines.remove(deadlines.size() - 1)
        }
    }

    /** Wait for what never comes. */
    void waitInVain() {
        while (!deadlines.any { it < System.currentTimeMillis() }) {
            stopIfAborted()
            sleep(20)
        }
        console.line('Cancelling nested steps due to timeout')
        throw new FlowInterruptedException('Timeout has been exceeded')
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

    /** Whether it failed so far, or worse. */
    boolean isBad() {
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
            throw new FlowInterruptedException('aborted')
        }
    }
}
