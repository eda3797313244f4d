import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** The steps that a pipeline calls: those of the shell, of the flow and of credentials; WorkspaceSteps has the rest. */
class Steps {
    /** The parameter that a step's only value means. */
    private static final MEANS = [
        sh: 'script', echo: 'message', error: 'message', unstable: 'message', catchError: 'message',
        warnError: 'message',
        sleep: 'time', withEnv: 'overrides', withCredentials: 'bindings', dir: 'path', retry: 'count', timeout: 'time',
        lock: 'resource', checkout: 'scm', readFile: 'file', readJSON: 'file', fileExists: 'file',
        archiveArtifacts: 'artifacts', junit: 'testResults', stash: 'name', unstash: 'name', stage: 'name',
        publishHTML: 'target', issues: 'pattern',
    ]
    private static final BINDINGS = ['string', 'usernamePassword', 'file', 'aws']
    private final Job job
    private final Credentials credentials
    private final WorkspaceSteps files

    Steps(Job job) {
        this.job = job
        credentials = new Credentials(job.given.credentials)
        files = new WorkspaceSteps(job)
    }

    Object call(String name, List<Object> arguments) {
        job.stopIfAborted()
        Closure body = arguments && arguments.last() instanceof Closure ? arguments.remove(arguments.size() - 1) : null
        Map named = arguments && arguments[0] instanceof Map ? arguments[0] : [:]
        if (arguments && !named && arguments[0] != null) {
            named = [(MEANS[name] ?: 'value'): arguments[0]]
        }
        if (name in BINDINGS) {
            return [$class: name == 'aws' ? 'AmazonWebServicesCredentialsBinding' : name] + named
        }
        job.console.marker(name)
        if (name in (job.given.stub ?: [])) {
            return body ? body() : null
        }
        Object owner = name in (job.given.absent ?: []) ? null :
            [this, files].find { it.metaClass.respondsTo(it, name, Map, Closure) }
        if (!owner || (name == 'withFolderProperties' && job.given.folder_properties == null)) {
            throw new NoSuchMethodError("No such DSL method '$name' found among steps${Words.meant(name, Words.STEPS)}")
        }
        if (name in Agents.STEPS && !job.onAgent) {
            throw new StepFailed("Required context class hudson.FilePath is missing\nPerhaps you forgot to surround the " +
                "step with a step that provides this, such as: node")
        }
        owner."$name"(named, body)
    }

    Object sh(Map given, Closure body) {
        File stdout = given.returnStdout ? File.createTempFile('stdout', '') : null
        int code
        String said
        try {
            code = job.shell.run(given.script.toString(), variables(), job.folder, stdout)
            said = stdout?.getText('UTF-8')
        } finally {
            stdout?.delete()
        }
        job.trace.shells << [stage: job.variables().STAGE_NAME, script: given.script.toString(), code: code]
        job.stopIfAborted()
        if (given.returnStatus) {
            return code
        }
        if (code) {
            throw new StepFailed("script returned exit code $code")
        }
        said
    }

    void echo(Map given, Closure body) { job.console.line(given.message) }

    void error(Map given, Closure body) { throw new StepFailed(given.message.toString()) }

    void unstable(Map given, Closure body) {
        job.console.line("WARNING: ${given.message}")
        job.worsen('UNSTABLE')
    }

    /** Whatever was thrown; an abort too, unless `catchInterruptions: false`. */
    void catchError(Map given, Closure body) {
        try {
            block('catchError', body)
        } catch (Throwable failure) {
            if (failure instanceof FlowInterruptedException && given.catchInterruptions == false) {
                throw failure
            }
            job.console.line("ERROR: ${given.message ? given.message + ': ' : ''}${failure.message}")
            job.worsen(given.buildResult ?: 'FAILURE')
        }
    }

    void warnError(Map given, Closure body) {
        catchError([message: given.message, buildResult: 'UNSTABLE'], body)
    }

    Object retry(Map given, Closure body) {
        for (int left = given.count as int; ; left--) {
            try {
                return block('retry', body)
            } catch (StepFailed failure) {
                if (left <= 1) {
                    throw failure
                }
                job.console.line("ERROR: ${failure.message}\nRetrying")
            }
        }
    }

    Object withEnv(Map given, Closure body) {
        Map more = given.overrides.collectEntries { String one -> one.split('=', 2).toList() }
        job.with(more) { block('withEnv', body) }
    }

    Object withCredentials(Map given, Closure body) {
        bound(given.bindings.collect { Map binding -> credentials.binding(binding) }) { block('withCredentials', body) }
    }

    /** Run `body` with what `all` bind, masked. */
    Object bound(List<Bound> all, Closure body) {
        try {
            return job.console.hiding(all*.secrets.flatten()) { job.with(all*.variables.sum([:]), body) }
        } finally {
            all*.file.findAll()*.delete()
        }
    }

    /** What `NAME = credentials('id')` binds. */
    Bound environmentCredentials(String name, String id) { credentials.environment(name, id) }

    /** A stage inside of steps, as the steps of a library make them. */
    Object stage(Map given, Closure body) {
        Map entry = [name: given.name.toString(), status: 'SUCCESS']
        job.trace.stages << entry
        String before = job.result
        try {
            Object value = job.with(STAGE_NAME: entry.name) { block('stage', body) }
            entry.status = job.result == before ? 'SUCCESS' : job.result
            return value
        } catch (Throwable failure) {
            entry.status = failure instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE'
            throw failure
        }
    }

    Object script(Map given, Closure body) { block('script', body) }

    Object timeout(Map given, Closure body) {
        BigDecimal minutes = [SECONDS: 1 / 60, HOURS: 60, DAYS: 1440][given.unit] ?: 1
        job.within(minutes * given.time) { block('timeout', body) }
    }

    /** Of the folder of the job, where that plugin is. */
    Object withFolderProperties(Map given, Closure body) {
        job.with(job.given.folder_properties) { block('withFolderProperties', body) }
    }

    Object timestamps(Map given, Closure body) { block('timestamps', body) }

    Object lock(Map given, Closure body) { block('lock', body) }

    Object dir(Map given, Closure body) { files.inFolder(given.path.toString()) { block('dir', body) } }

    void sleep(Map given, Closure body) { }

    boolean isUnix(Map given, Closure body) { true }

    private Object block(String name, Closure body) {
        job.console.marker('{')
        try {
            return body()
        } finally {
            job.console.marker('}')
            job.console.marker("// $name")
        }
    }

    private Map<String, String> variables() {
        job.variables().collectEntries { name, value -> [(name): value.toString()] }
    }
}
