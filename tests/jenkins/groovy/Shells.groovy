import org.codehaus.groovy.ast.CodeVisitorSupport
import org.codehaus.groovy.ast.expr.ConstantExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.stmt.ExpressionStatement

/** Shell steps, wherever they stand: Groovy may not make their text, and their exit codes may not be lost. */
class Shells extends CodeVisitorSupport {
    private static final REASONS = [
        gstring: 'Groovy puts values into the text of the shell, which obeys them; use single quotes and "$NAME"',
        sum: 'Groovy puts values into the text of the shell, which obeys them; use one text in single quotes',
        other: 'the text of the shell is made elsewhere; write it here, in single quotes',
    ]
    private final List<Map> problems

    Shells(List<Map> problems) {
        this.problems = problems
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        String reason = isShell(call) ? REASONS[Syntax.kind(Syntax.script(call))] : null
        if (reason) {
            String message = "${call.methodAsString}: $reason"
            problems << [severity: 'error', line: call.lineNumber, message: message]
        }
        super.visitMethodCallExpression(call)
    }

    @Override
    void visitExpressionStatement(ExpressionStatement statement) {
        Expression expression = statement.expression
        if (isShell(expression) && isTrue(Syntax.named(expression).returnStatus)) {
            problems << [severity: 'error', line: statement.lineNumber, message: 'the exit code is asked for and lost']
        }
        super.visitExpressionStatement(statement)
    }

    private static boolean isShell(Expression expression) {
        expression instanceof MethodCallExpression && expression.methodAsString in Syntax.SHELLS
    }

    private static boolean isTrue(Expression expression) {
        expression instanceof ConstantExpression && expression.value
    }
}
