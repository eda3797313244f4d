import java.lang.annotation.ElementType
import java.lang.annotation.Target

/** `@Library('name@version') _` on a line of a Jenkinsfile; which library that is, the job says. */
@Target([ElementType.LOCAL_VARIABLE])
@interface Library {
    String[] value()
}
