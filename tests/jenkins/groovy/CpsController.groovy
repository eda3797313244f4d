import com.cloudbees.groovy.cps.Outcome
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** Answers the steps of a CpsProgram: nothing is done, a test says what comes of it. */
class CpsController {
    private static final RESULTS = Job.RESULTS
    /** Sections whose failure is kept until the stage or the pipeline around them ends, after `post`. */
    private static final SECTIONS = ['stages', 'steps']
    private static final STAGES = ['pipeline', 'stage']
    private static final CONDITIONS = ['always', 'changed', 'fixed', 'regression', 'aborted', 'success', 'unsuccessful',
        'unstable', 'failure', 'notBuilt', 'cleanup']
    private static final OTHERS = ['agent', 'environment', 'expression', 'options', 'parameters', 'post', 'script',
        'triggers', 'when']

    /** `env` and the like, by name. */
    final Map<String, Object> variables
    final Map<String, String> assigned = [:]
    String result = 'SUCCESS'
    String displayName = '#42'
    String description
    private final Map given
    private final Map trace
    private final List<Map<String, String>> layers = []
    /** Stages and pipelines at work, the outermost first: `skipped`, and the `failure` that is kept. */
    private final List<Map> stages = []
    private Throwable failure

    CpsController(Map given, Map trace) {
        this.given = given
        this.trace = trace
        layers << (given.env ?: [:]) + [BUILD_NUMBER: '42']
        variables = [env: new CpsEnv(), params: new HashMap(given.params ?: [:]), currentBuild: new CpsCurrentBuild(),
            scm: [:], any: 'any', none: 'none']
    }

    /** Whether Jenkins would write the program there: not where a block ends, nor where a section begins. */
    static boolean isStep(String name, List arguments) {
        !(name in ['leave', 'failed'] || name == 'enter' && arguments[0] in SECTIONS + STAGES + CONDITIONS + OTHERS)
    }

    /** What comes of a step of a file, or of one by which CpsBlocks tells where a block begins and ends. */
    Outcome answer(String name, List arguments) {
        try {
            switch (name) {
                case 'enter': return new Outcome(enter(arguments[0], arguments[1]), null)
                case 'leave': return new Outcome(leave(arguments[0], arguments[1]), null)
                case 'failed': return new Outcome(failed(arguments[0], arguments[1], arguments[2]), null)
                default: return new Outcome(step(name, arguments), null)
            }
        } catch (Throwable failure) {
            return new Outcome(null, failure)
        }
    }

    Map<String, String> environment() {
        (layers.take(1) + assigned + layers.drop(1)).inject([:]) { all, layer -> all + layer }
    }

    /** Results only get worse. */
    void worsen(String to) {
        result = [result, to].max { RESULTS.indexOf(it) }
    }

    void end(Throwable failure) {
        this.failure = failure
        if (failure) {
            worsen(isAbort(failure) ? 'ABORTED' : 'FAILURE')
        }
    }

    Map ended() {
        [result: result, failure: failure ? failure.toString() : null, display_name: displayName,
         description: description]
    }

    private Object step(String name, List arguments) {
        Map named = arguments && arguments[0] instanceof Map ? arguments[0] : [:]
        trace.steps << name
        if (name == 'sh') {
            trace.shells << (named.script ?: arguments[0]).toString()
        }
        Map wanted = given.answers.find { it.step == name && arguments.toString().contains(it.of ?: '') }
        if (wanted?.throws) {
            throw thrown(wanted.throws)
        }
        wanted ? wanted.returns : usual(name, named, arguments)
    }

    private Object usual(String name, Map named, List arguments) {
        switch (name) {
            case 'echo': trace.said << arguments[0].toString(); return null
            case 'error': throw new StepFailed(arguments[0].toString())
            case 'unstable': worsen('UNSTABLE'); return null
            case 'sh': return named.returnStatus ? 0 : named.returnStdout ? 'demo py3.11\n1.0, 2 packages\n' : null
            case 'fileExists': return true
            case 'checkout': return [GIT_COMMIT: 'feedface']
            case 'pwd': return '/workspace'
            default: return null
        }
    }

    private static Throwable thrown(String kind) {
        switch (kind) {
            case 'abort': return new FlowInterruptedException('aborted')
            case 'error': return new LinkageError('a plugin that does not fit')
            default: return new StepFailed('script returned exit code 1')
        }
    }

    /** Whether the block is for this run. */
    private boolean enter(String name, List arguments) {
        if (stages.any { it.skipped } || name in CONDITIONS && !holds(name)) {
            return false
        }
        step(name, arguments)
        layers << (name == 'withEnv' ? arguments[0].collectEntries { it.toString().split('=', 2).toList() } : [:])
        if (name in STAGES) {
            stages << [:]
        }
        true
    }

    private Object leave(String name, Object value) {
        layers.pop()
        if (name == 'when') {
            stages.last().skipped = !value
        }
        Throwable kept = name in STAGES ? stages.pop().failure : null
        if (kept) {
            throw kept
        }
        value
    }

    private Object failed(String name, List arguments, Throwable failure) {
        layers.pop()
        if (name in STAGES) {
            stages.pop()
        }
        if (name in SECTIONS + CONDITIONS) {
            end(failure)
            stages.last().failure = stages.last().failure ?: failure
        } else if (name == 'catchError' && !(isAbort(failure) && arguments[0]?.catchInterruptions == false)) {
            trace.said << failure.message
            worsen(arguments[0]?.buildResult ?: 'FAILURE')
        } else {
            throw failure
        }
        null
    }

    private static boolean isAbort(Throwable failure) { failure instanceof FlowInterruptedException }

    /** Whether a condition of `post` does. */
    private boolean holds(String condition) {
        switch (condition) {
            case 'always': case 'cleanup': return true
            case 'changed': return result != given.previous
            case 'fixed': return result == 'SUCCESS' && given.previous in ['UNSTABLE', 'FAILURE']
            case 'regression': return given.previous && RESULTS.indexOf(result) > RESULTS.indexOf(given.previous)
            case 'unsuccessful': return result != 'SUCCESS'
            case 'notBuilt': return result == 'NOT_BUILT'
            default: return result == condition.toUpperCase()
        }
    }
}
