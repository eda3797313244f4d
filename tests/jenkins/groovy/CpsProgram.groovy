import com.cloudbees.groovy.cps.Continuable
import com.cloudbees.groovy.cps.Envs
import com.cloudbees.groovy.cps.Outcome
import com.cloudbees.groovy.cps.impl.CpsCallableInvocation
import com.cloudbees.groovy.cps.impl.CpsCallableInvocation.MismatchHandler
import groovy.transform.CompileStatic
import org.codehaus.groovy.runtime.InvokerInvocationException

/**
 * Runs a file as Jenkins' Groovy engine does: transformed by groovy-cps, stopped at each step, written to bytes, and
 * gone on with from what was read from them. CpsController answers the steps; no shell runs.
 */
@CompileStatic
class CpsProgram {
    private static final List<Class> CATEGORIES = Continuable.categories + [CpsIterators as Class]
    /** The one at work: what is read from bytes finds it here. */
    static CpsProgram current

    final CpsController controller
    private final Map given
    private final Map trace = [steps: [], shells: [], said: [], calls: [:], reached: [:]]
    private final Set<String> problems = [] as LinkedHashSet<String>
    private final CpsFiles files
    private final Script blocks = CpsFiles.blocks()
    private final Map<String, Script> library = [:]
    /** Of the last call. */
    private String place

    private CpsProgram(Map given) {
        this.given = given
        controller = new CpsController(given, trace)
        files = CpsFiles.of(given.text as String, given.library as String)
    }

    /**
     * What became of `given.text`, the file of the name `given.file`.
     *
     * given: `answers`, what comes of steps: `[step, of, throws | returns]` each, the first that fits counts; `params`,
     * `env`, `absent` (steps), `previous` (result), `library` (a folder).
     * What became of it: `result`, `failure`, `steps`, `shells` (their scripts), `said`; `problems`, and `calls`, each
     * signature with the first place of it; `written` and `reached`, the lines with calls of each file.
     */
    static Map run(Map given) {
        current = new CpsProgram(given)
        CpsCallableInvocation.registerMismatchHandler(new MismatchHandler() {
            @Override
            void handle(Object expected, String expectedName, Object caught, String name) {
                current.problem("$expectedName ends early: it is no CPS, and calls $name, which is")
            }
        })
        current.start()
        current.trace + current.controller.ended() + [written: current.files.written,
            problems: current.files.problems + current.problems]
    }

    private void start() {
        Script script = files.script(given.file as String, given.text as String)
        Continuable program = new Continuable(script, Envs.empty(new CpsCalls()))
        Outcome outcome = program.run0(new Outcome(null, null), CATEGORIES)
        while (program.resumable) {
            String step = ((Map) outcome.normal).name
            List arguments = (List) ((Map) outcome.normal).arguments
            try {
                program = CpsController.isStep(step, arguments) ? (Continuable) files.copy(program) : program
            } catch (NotSerializableException failure) {
                problem("not serialisable over the step $step: ${failure.message}")
                break
            }
            outcome = program.run0(controller.answer(step, arguments), CATEGORIES)
        }
        controller.end(outcome.abnormal)
    }

    /** A call that no function of the file takes: `vars/NAME.groovy` of the library, a step with a block, or a step. */
    Object call(String name, Object[] arguments) {
        if (isLibraryStep(name)) {
            return own(libraryStep(name), 'call', arguments)
        }
        if (name in (List) given.absent) {
            throw new NoSuchMethodError("No such DSL method '$name' found among steps")
        }
        List<Object> all = arguments.toList()
        if (!all || !(all.last() instanceof Closure)) {
            return Continuable.suspend(name, [name: name, arguments: all])
        }
        try {
            return own(blocks, 'block', name, new ArrayList(all.subList(0, all.size() - 1)), all.last())
        } catch (CpsCallableInvocation block) {
            throw new CpsCallableInvocation(name, block.call, block.receiver, block.arguments as Object[])
        }
    }

    /** Call a function that the script has. */
    private static Object own(Script script, String name, Object... arguments) {
        try {
            return script.metaClass.invokeMethod(script, name, arguments)
        } catch (InvokerInvocationException wrapped) {
            throw wrapped.cause
        }
    }

    boolean hasVariable(String name) { controller.variables.containsKey(name) || isLibraryStep(name) }

    /** `env` and the like, and the steps of the library. */
    Object variable(String name) {
        controller.variables.containsKey(name) ? controller.variables[name] : libraryStep(name)
    }

    private boolean isLibraryStep(String name) { given.library && libraryFile(name).exists() }

    private Script libraryStep(String name) {
        library.computeIfAbsent(name) { files.script("${name}.groovy", libraryFile(name).getText('UTF-8')) }
    }

    private File libraryFile(String name) { new File("${given.library}/vars", "${name}.groovy") }

    /** A call at a place; `signature` is null where no list has to allow it. */
    void called(StackTraceElement place, String signature) {
        this.place = "${place.fileName}:${place.lineNumber}"
        ((Map<String, Set<Integer>>) trace.reached).computeIfAbsent(place.fileName) { new LinkedHashSet<Integer>() }
            .add(place.lineNumber)
        if (signature) {
            ((Map<String, String>) trace.calls).putIfAbsent(signature, this.place)
        }
    }

    private void problem(String sentence) { problems << "$place: $sentence".toString() }
}
