import org.codehaus.groovy.ast.ASTNode
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.builder.AstBuilder
import org.codehaus.groovy.ast.expr.BinaryExpression
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.ConstantExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.GStringExpression
import org.codehaus.groovy.ast.expr.ListExpression
import org.codehaus.groovy.ast.expr.MapExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.expr.TupleExpression
import org.codehaus.groovy.ast.expr.VariableExpression
import org.codehaus.groovy.ast.stmt.BlockStatement
import org.codehaus.groovy.ast.stmt.ExpressionStatement
import org.codehaus.groovy.ast.stmt.ReturnStatement
import org.codehaus.groovy.ast.stmt.Statement
import org.codehaus.groovy.control.CompilePhase

/** How a Jenkinsfile is read: as text, by the Groovy of Jenkins, never run; lines are the file's own. */
class Syntax {
    static final SHELLS = ['sh', 'bat', 'powershell', 'pwsh']

    /** The top-level block, then the class with the functions. Throws MultipleCompilationErrorsException. */
    static List<ASTNode> nodes(String text) {
        new AstBuilder().buildFromString(CompilePhase.CONVERSION, false, text)
    }

    /** Names of the functions that the file defines. */
    static List<String> functions(List<ASTNode> nodes) {
        nodes.findAll { it instanceof ClassNode }*.methods.flatten()*.name - ['main', 'run']
    }

    /** The bodies of everything that the file can run. */
    static List<ASTNode> bodies(List<ASTNode> nodes) {
        [nodes[0]] + nodes.findAll { it instanceof ClassNode }*.methods.flatten()
            .findAll { !(it.name in ['main', 'run']) }*.code.findAll()
    }

    /** `name(...) { ... }` standing for itself; null for any other statement. */
    static MethodCallExpression directive(Statement statement) {
        if (!(statement instanceof ExpressionStatement || statement instanceof ReturnStatement)) {
            return null
        }
        Expression expression = statement.expression
        boolean isCall = expression instanceof MethodCallExpression && expression.implicitThis
        isCall && expression.methodAsString ? expression : null
    }

    static List<Statement> statements(ClosureExpression closure) {
        closure.code instanceof BlockStatement ? closure.code.statements : [closure.code]
    }

    /** The closure that comes last, or null. */
    static ClosureExpression block(MethodCallExpression call) {
        List<Expression> all = arguments(call)
        all && all.last() instanceof ClosureExpression ? all.last() : null
    }

    static List<Expression> positional(MethodCallExpression call) {
        arguments(call).findAll { !(it instanceof MapExpression) && !(it instanceof ClosureExpression) }
    }

    static Map<String, Expression> named(MethodCallExpression call) {
        arguments(call).findAll { it instanceof MapExpression }*.mapEntryExpressions.flatten()
            .collectEntries { [(value(it.keyExpression)): it.valueExpression] }
    }

    /** What a shell step runs, as far as the file tells. */
    static Expression script(MethodCallExpression shell) {
        named(shell).script ?: positional(shell)[0]
    }

    /** `constant`, `gstring` ("...${x}..."), `sum` (+) or `other`. */
    static String kind(Expression script) {
        switch (script) {
            case ConstantExpression: return 'constant'
            case GStringExpression: return 'gstring'
            case BinaryExpression: return 'sum'
            default: return 'other'
        }
    }

    /** Constants and lists of them as they are; anything else as source-like text. */
    static Object value(Expression expression) {
        switch (expression) {
            case null: return null
            case ConstantExpression: return expression.value
            case VariableExpression: return expression.name
            case ListExpression: return expression.expressions.collect { value(it) }
            default: return expression.text
        }
    }

    private static List<Expression> arguments(MethodCallExpression call) {
        call.arguments instanceof TupleExpression ? call.arguments.expressions : []
    }
}
