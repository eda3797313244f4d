import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** Stages, their environment and conditions, and what runs after them. */
class Stages {
    private final Job job
    private final Steps steps
    private final Agents agents

    Stages(Job job, Steps steps, Agents agents) {
        this.job = job
        this.steps = steps
        this.agents = agents
    }

    /** One after the other; after a failure the rest is skipped. */
    void runAll(List<Map> stages, Script script) {
        eachOf(stages) { runOne(it.arguments[0].toString(), new Directives(script, it.body), job.failed) }
    }

    /** Here too one after the other, but none is skipped because of another. */
    private void runParallel(List<Map> stages, Script script) {
        boolean stopped = job.failed
        eachOf(stages) { runOne(it.arguments[0].toString(), new Directives(script, it.body), stopped) }
    }

    /** Call `work` with each; the first failure is thrown when all have had their turn. */
    private void eachOf(List<Map> stages, Closure work) {
        List<Throwable> failures = []
        stages.each {
            try {
                work(it)
            } catch (Throwable failure) {
                job.failed = true
                failures << failure
            }
        }
        if (failures) {
            throw failures[0]
        }
    }

    private void runOne(String name, Directives found, boolean skipped) {
        Map entry = [name: name, status: 'SUCCESS']
        job.trace.stages << entry
        job.console.marker('stage')
        job.console.marker("{ ($name)")
        String before = job.result
        try {
            if (skipped) {
                job.console.line("Stage \"$name\" skipped due to earlier failure(s)")
                entry.status = 'SKIPPED'
                return
            }
            job.with(STAGE_NAME: name) { inTime(found) { inEnvironment(found) { work(found, entry) } } }
            entry.status = entry.status == 'SUCCESS' && job.result != before ? job.result : entry.status
        } catch (Throwable failure) {
            entry.status = failure instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE'
            job.worsen(entry.status)
            throw failure
        } finally {
            job.console.marker('}')
            job.console.marker('// stage')
        }
    }

    private void work(Directives found, Map entry) {
        if (!found.block('when').every { holds(it, found.script) }) {
            job.console.line("Stage \"${entry.name}\" skipped due to when conditional")
            entry.status = 'SKIPPED'
            return
        }
        agents.on(found) { perform(found) }
    }

    private void perform(Directives found) {
        runWithPost(found, 'Post stage') {
            ['matrix', 'input'].findAll { found.one(it) }.each { throw new StepFailed("the runner does not model $it") }
            runAll(found.block('stages'), found.script)
            runParallel(found.block('parallel'), found.script)
            if (found.one('steps')) {
                perform(found.script, found.one('steps').body)
            }
        }
    }

    /** Run `body` in the time that `options { timeout }` gives it; in a stage the wait for an agent counts. */
    void inTime(Directives found, Closure body) {
        Map limit = found.block('options').find { it.name == 'timeout' }
        limit ? steps.call('timeout', limit.arguments + [body]) : body()
    }

    /** Run `body` with what environment {} says; a credential that is not there fails it before anything runs. */
    void inEnvironment(Directives found, Closure body) {
        EnvironmentBlock block = new EnvironmentBlock(job, steps, found.script)
        if (found.one('environment')) {
            block.read(found.one('environment').body)
        }
        steps.bound(block.bound, body)
    }

    /** Run `body`, then the conditions of post {} that hold, in Jenkins' order, each whatever became of the others. */
    void runWithPost(Directives found, String title, Closure body) {
        Throwable first = null
        try {
            body()
        } catch (Throwable failure) {
            first = failure
            job.worsen(failure instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE')
        }
        List<Map> declared = found.block('post')
        List<Map> ordered = Words.POST.collect { name -> declared.find { it.name == name } }.findAll()
        if (ordered) {
            job.console.marker('stage')
            job.console.marker("{ ($title)")
            ordered.each {
                Throwable failure = after(it, found.script)
                first = first ?: failure
            }
            job.console.marker('}')
            job.console.marker('// stage')
        }
        if (first) {
            throw first
        }
    }

    /** Run one condition if it holds; what failed in it, or null. */
    private Throwable after(Map condition, Script script) {
        if (!applies(condition.name)) {
            return null
        }
        job.trace.post << condition.name
        try {
            perform(script, condition.body)
        } catch (Throwable failure) {
            job.console.line("Error when executing ${condition.name} post condition:\n${failure.message}")
            job.worsen(failure instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE')
            return failure
        }
        null
    }

    private boolean applies(String condition) {
        String now = job.result
        String previous = job.given.previous
        switch (condition) {
            case 'always': case 'cleanup': return true
            case 'changed': return previous != now
            case 'fixed': return now == 'SUCCESS' && previous in ['FAILURE', 'UNSTABLE']
            case 'regression': return previous && Job.RESULTS.indexOf(now) > Job.RESULTS.indexOf(previous)
            case 'unsuccessful': return now != 'SUCCESS'
            case 'notBuilt': return now == 'NOT_BUILT'
            default: return now == condition.toUpperCase()
        }
    }

    /** Whether a condition of when {} holds. */
    private boolean holds(Map condition, Script script) {
        Closure<List<Map>> inner = { Recorder.read(script, condition.body) }
        Map arguments = condition.arguments.find { it instanceof Map } ?: [:]
        switch (condition.name) {
            case 'expression': return perform(script, condition.body)
            case 'environment': return job.variables()[arguments.name] == arguments.value
            case 'equals': return arguments.expected == arguments.actual
            case 'not': return !inner().every { holds(it, script) }
            case 'allOf': return inner().every { holds(it, script) }
            case 'anyOf': return inner().any { holds(it, script) }
            case 'beforeAgent': case 'beforeInput': case 'beforeOptions': return true
            default: throw new StepFailed("the runner does not model when { ${condition.name} }")
        }
    }

    private static Object perform(Script script, Closure body) {
        body.rehydrate(script, script, script).call()
    }
}
