/** Where a pipeline and its stages run: on the one agent, with the labels that the job's maker gave it, or on none. */
class Agents {
    /** Steps that need one. */
    static final STEPS = Syntax.SHELLS + [
        'cleanWs', 'checkout', 'dir', 'deleteDir', 'pwd', 'isUnix', 'fileExists', 'readFile', 'writeFile', 'readJSON',
        'archiveArtifacts', 'junit', 'recordIssues', 'publishHTML', 'stash', 'unstash'
    ]
    private final Job job
    private final Steps steps
    /** Whether each agent begins with the source. */
    boolean checksOut = true

    Agents(Job job, Steps steps) {
        this.job = job
        this.steps = steps
    }

    /** Run `body` where the directive `agent` says; without one, where we are. */
    void on(Directives found, Closure body) {
        Map directive = found.one('agent')
        if (!directive || directive.arguments == ['none']) {
            body()
            return
        }
        job.console.marker('node')
        wait(directive.body ? label(found, directive) : '')
        job.onAgent {
            job.console.line("Running on ${job.agent.NODE_NAME} in ${job.folder}")
            withSource(body)
        }
    }

    private void wait(String label) {
        if (label && !(label in (job.given.labels ?: []))) {
            job.console.line("Still waiting to schedule task\n‘Jenkins’ doesn’t have label ‘${label}’")
            job.waitInVain()
        }
    }

    private static String label(Directives found, Map directive) {
        Directives.read(found.script, directive.body).find { it.name == 'label' }?.arguments?.getAt(0)
    }

    /** Unlike `checkout` in a step, this one sets GIT_COMMIT. */
    private void withSource(Closure body) {
        Map source = checksOut && job.given.source ? steps.call('checkout', [[:]]) : [:]
        job.with([GIT_COMMIT: source.GIT_COMMIT].findAll { it.value }, body)
    }
}
