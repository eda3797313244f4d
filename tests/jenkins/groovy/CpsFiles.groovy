import com.cloudbees.groovy.cps.CpsTransformer
import org.codehaus.groovy.control.CompilerConfiguration

/** Files, compiled by groovy-cps, each once. */
class CpsFiles {
    private static final GroovyShell TRUSTED = shell(CpsFiles.classLoader, new CpsTransformer())
    private static final Class BLOCKS = TRUSTED.parse(CpsFiles.getResource('/CpsBlocks.groovy').toURI()).getClass()
    private static final Map<List<String>, CpsFiles> ALL = [:].withDefault { new CpsFiles() }

    /** What the run of them would not show. */
    final Set<String> problems = []
    /** The lines with calls of each. */
    final Map<String, Set<Integer>> written = [:]
    private final GroovyShell shell = shell(TRUSTED.classLoader, new CpsTransformation(problems, written))
    private final Map<String, Class> types = [:]
    private final CpsBytes bytes = new CpsBytes(shell.classLoader)

    /** Those of one program: its file, and the library that it may use. */
    static CpsFiles of(String text, String library) { ALL[[text, library]] }

    static Script blocks() { BLOCKS.newInstance() }

    Script script(String name, String text) {
        types.computeIfAbsent(name) { shell.parse(text, name).getClass() }.newInstance()
    }

    /** What was written to bytes and read back. Throws NotSerializableException, of which the message is a class. */
    Object copy(Object one) { bytes.copy(one) }

    private static GroovyShell shell(ClassLoader parent, CpsTransformer transformer) {
        CompilerConfiguration configuration = new CompilerConfiguration(scriptBaseClass: CpsScript.name)
        configuration.addCompilationCustomizers(transformer)
        new GroovyShell(parent, new Binding(), configuration)
    }
}
