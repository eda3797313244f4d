import org.codehaus.groovy.control.CompilerConfiguration
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** Runs a declarative pipeline: README.md says what of Jenkins this is, and what it is not. */
class Runner {
    final Steps steps
    private final Job job
    private final Agents agents
    private final Stages stages
    private GroovyShell shell

    private Runner(Job job) {
        this.job = job
        steps = new Steps(job)
        agents = new Agents(job, steps)
        stages = new Stages(job, steps, agents)
    }

    /** The trace of the job. */
    static Map run(Job job) {
        try {
            new Runner(job).start()
        } finally {
            job.ended = true
            job.console.close()
        }
        job.trace
    }

    private void start() {
        CompilerConfiguration configuration = new CompilerConfiguration(scriptBaseClass: PipelineScript.name)
        Names names = new Names(job, [
            runner: this, params: job.params, env: new Env(job), currentBuild: new CurrentBuild(job), scm: [:],
            out: new PrintStream(job.console, true, 'UTF-8'),
        ])
        shell = new GroovyShell(getClass().classLoader, names, configuration)
        Script script = shell.parse(job.given.text, 'Jenkinsfile')
        try {
            script.run()
        } catch (Refused refusal) {
            job.console.line(refusal.message)
            job.trace.result = 'REFUSED'
            return
        } catch (Throwable failure) {
            report(failure)
        }
        job.console.line("Finished: ${job.result}")
    }

    /** `vars/NAME.groovy` of the job's shared library, or null. */
    Script libraryStep(String name) {
        File file = job.given.library ? new File("${job.given.library}/vars", "${name}.groovy") : null
        file?.exists() ? shell.parse(file) : null
    }

    /** `pipeline { ... }`. */
    void pipeline(Script script, Closure body) {
        Directives found = new Directives(script, body)
        setParameters(found.block('parameters'))
        job.console.marker('Start of Pipeline')
        agents.checksOut = !found.block('options').any { it.name == 'skipDefaultCheckout' }
        try {
            stages.inTime(found) {
                agents.on(found) {
                    stages.inEnvironment(found) {
                        stages.runWithPost(found, 'Declarative: Post Actions') {
                            stages.runAll(found.block('stages'), script)
                        }
                    }
                }
            }
        } finally {
            job.console.marker('End of Pipeline')
        }
    }

    /** What was given, by what the file declares. A job's first run has the defaults, and no variables of them. */
    private void setParameters(List<Map> declared) {
        Map<String, String> variables = [:]
        declared.each {
            Map arguments = it.arguments[0]
            Object value = job.given.params?.get(arguments.name)
            if (it.name == 'choice' && value != null && !(value in arguments.choices)) {
                throw new Refused("Illegal choice for parameter ${arguments.name}: $value")
            }
            if (value == null) {
                value = it.name == 'choice' ? arguments.choices[0] : arguments.defaultValue
            }
            value = it.name == 'booleanParam' ? value.toString() == 'true' : value == null ? '' : value.toString()
            job.params[arguments.name] = arguments.trim ? value.toString().trim() : value
            variables[arguments.name] = job.params[arguments.name].toString()
        }
        (job.given.declared_before ?: [:]).each { name, value ->
            job.params[name] = variables[name] = value
        }
        (job.given.params ?: [:]).keySet().findAll { !job.params.containsKey(it) }.each {
            job.console.line("Skipped parameter `$it` as it is undefined on `${job.jobName}`")
        }
        job.addParameters(job.given.first_run ? [:] : variables)
    }

    private void report(Throwable failure) {
        if (failure instanceof StepFailed) {
            job.console.line("ERROR: ${failure.message}")
        } else if (!(failure instanceof FlowInterruptedException)) {
            job.console.line(failure)
        }
        job.worsen(failure instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE')
    }
}
