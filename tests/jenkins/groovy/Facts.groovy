import org.codehaus.groovy.ast.CodeVisitorSupport
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.MethodCallExpression

/** What a Jenkinsfile says, never run: its stages, parameters, options, and shell steps with the blocks around them. */
class Facts extends CodeVisitorSupport {
    private final String[] source
    private final Map found = [stages: [], parameters: [], options: [], shells: []]
    /** Names of the calls whose blocks we are in, the outermost first. */
    private final List<String> inside = []
    private String stage

    private Facts(String text) {
        source = text.split('\n', -1)
    }

    static Map read(String text) {
        Facts reader = new Facts(text)
        Syntax.bodies(Syntax.nodes(text))*.visit(reader)
        reader.found
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        String name = call.methodAsString
        String parent = inside ? inside.last() : ''
        String outer = stage
        if (name == 'stage' && Syntax.block(call)) {
            stage = Syntax.value(Syntax.positional(call)[0])
            found.stages << stage
        } else if (parent == 'parameters') {
            found.parameters << parameter(name, call)
        } else if (parent == 'options') {
            found.options << name
        } else if (name in Syntax.SHELLS) {
            found.shells << shell(name, call)
        }
        inside << name
        super.visitMethodCallExpression(call)
        inside.remove(inside.size() - 1)
        stage = outer
    }

    private Map shell(String name, MethodCallExpression call) {
        Expression script = Syntax.script(call)
        [line: call.lineNumber, step: name, kind: Syntax.kind(script), quote: firstCharacter(script),
         text: Syntax.value(script), stage: stage, inside: inside.collect()]
    }

    private String firstCharacter(Expression expression) {
        expression ? source[expression.lineNumber - 1].substring(expression.columnNumber - 1)[0] : null
    }

    private static Map parameter(String kind, MethodCallExpression call) {
        Map<String, Object> arguments = Syntax.named(call).collectEntries { [(it.key): Syntax.value(it.value)] }
        [kind: kind, name: arguments.name, default: arguments.choices ? arguments.choices[0] : arguments.defaultValue,
         choices: arguments.choices, trim: arguments.trim, description: arguments.description]
    }
}
