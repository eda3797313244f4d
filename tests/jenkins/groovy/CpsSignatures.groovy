import groovy.transform.CompileStatic
import java.lang.reflect.Executable
import java.lang.reflect.Field
import java.lang.reflect.Modifier
import org.codehaus.groovy.reflection.ParameterTypes
import org.codehaus.groovy.runtime.DateGroovyMethods
import org.codehaus.groovy.runtime.DefaultGroovyMethods
import org.codehaus.groovy.runtime.DefaultGroovyStaticMethods
import org.codehaus.groovy.runtime.EncodingGroovyMethods
import org.codehaus.groovy.runtime.MetaClassHelper
import org.codehaus.groovy.runtime.ProcessGroovyMethods
import org.codehaus.groovy.runtime.ResourceGroovyMethods
import org.codehaus.groovy.runtime.ScriptBytecodeAdapter
import org.codehaus.groovy.runtime.StringGroovyMethods

/**
 * What Jenkins' sandbox asks its lists for when Groovy calls something, in the words of those lists:
 * `method java.lang.String split java.lang.String`. Null where it asks none: the functions of the file, and steps.
 *
 * Source: the rules of SandboxInterceptor and GroovyCallSiteSelector of Jenkins' script-security: the topmost type that
 * declares a method counts, then Groovy's own methods.
 */
@CompileStatic // called for each call, within the categories of groovy-cps, where dynamic Groovy is slow
class CpsSignatures {
    private static final List<Class> GROOVYS = [DefaultGroovyMethods, StringGroovyMethods, EncodingGroovyMethods,
        DateGroovyMethods, ProcessGroovyMethods, ResourceGroovyMethods, DefaultGroovyStaticMethods] as List<Class>
    /** How Jenkins names what stands for it here. */
    private static final Map<Class, String> JENKINS = [
        (CpsEnv): 'org.jenkinsci.plugins.workflow.cps.EnvActionImpl',
        (CpsCurrentBuild): 'org.jenkinsci.plugins.workflow.support.steps.build.RunWrapper',
    ] as Map<Class, String>
    private static final Map<List, String> FOUND = [:]

    static String method(Object receiver, String name, Object... arguments) {
        if (receiver instanceof Closure) {
            return name == 'call' ? 'method groovy.lang.Closure call java.lang.Object[]' :
                declares(Closure, name) ? found(receiver, name, arguments) : method(receiver.owner, name, arguments)
        }
        boolean isUnasked = receiver == null || isSum(receiver, name) || isCast(receiver, name) ||
            receiver instanceof CpsScript && declares(receiver.getClass(), name)
        isUnasked ? null : found(receiver, name, arguments)
    }

    static String constructor(Class type, Object... arguments) {
        Executable one = best(type.declaredConstructors.toList() as List<Executable>, classesOf(arguments))
        one ? "new ${nameOf(type)}${parameters(one)}".toString() : unknown(type, '<init>')
    }

    static String getter(Object receiver, String name) {
        String getter = "get${name.capitalize()}"
        if (receiver instanceof Closure && !declares(Closure, getter)) {
            return CpsSignatures.getter(receiver.owner, name)
        }
        if (receiver == null || receiver instanceof CpsScript && isVariable(receiver, name)) {
            return null
        }
        if (receiver instanceof Map) { // groovy-sandbox takes it for get()
            return method(receiver, 'get', name)
        }
        if (receiver instanceof CpsEnv) {
            return "method ${nameOf(CpsEnv)} getProperty java.lang.String"
        }
        known(receiver, getter) ?: known(receiver, "is${name.capitalize()}") ?: field(receiver, name)
    }

    static String setter(Object receiver, String name, Object value) {
        if (receiver instanceof Closure) {
            return setter(receiver.owner, name, value)
        }
        if (receiver instanceof CpsScript && !(name in ['binding', 'metaClass'])) {
            return null
        }
        if (receiver instanceof Map) {
            return method(receiver, 'put', name, value)
        }
        if (receiver instanceof CpsEnv) {
            return "method ${nameOf(CpsEnv)} setProperty java.lang.String java.lang.Object"
        }
        known(receiver, "set${name.capitalize()}", value) ?: field(receiver, name)
    }

    static String field(Object receiver, String name) {
        Class type = receiver instanceof Class ? (Class) receiver : receiver.getClass()
        for (Class above : types(type)) {
            Field one = above.declaredFields.find { Field it -> it.name == name }
            if (one) {
                return "${Modifier.isStatic(one.modifiers) ? 'staticField' : 'field'} ${nameOf(above)} $name"
            }
        }
        "field ${nameOf(type)} $name"
    }

    private static String found(Object receiver, String name, Object[] arguments) {
        known(receiver, name, arguments) ?: receiver instanceof CpsScript ? null :
            unknown(receiver instanceof Class ? (Class) receiver : receiver.getClass(), name)
    }

    /** Null where neither the receiver nor Groovy has such a method. */
    private static String known(Object receiver, String name, Object... arguments) {
        Class<?>[] given = classesOf(arguments)
        List key = [receiver instanceof Class ? receiver : receiver.getClass(), receiver instanceof Class, name,
            given.toList()]
        if (!FOUND.containsKey(key)) {
            String ofClass = receiver instanceof Class ? statics((Class) receiver, name, given) : null
            FOUND[key] = ofClass ?: instance(receiver.getClass(), name, given) ?: groovys(receiver, name, given)
        }
        FOUND[key]
    }

    private static String instance(Class type, String name, Class<?>[] given) {
        for (Class above : types(type)) {
            Executable one = best(above.declaredMethods.findAll { Executable it ->
                it.name == name && !Modifier.isStatic(it.modifiers) && Modifier.isPublic(it.modifiers)
            } as List<Executable>, given)
            if (one) {
                return "method ${nameOf(above)} $name${parameters(one)}"
            }
        }
        null
    }

    private static String statics(Class type, String name, Class<?>[] given) {
        Executable one = best(type.declaredMethods.findAll { Executable it ->
            it.name == name && Modifier.isStatic(it.modifiers)
        } as List<Executable>, given)
        one ? "staticMethod ${nameOf(type)} $name${parameters(one)}" : null
    }

    /** A method that Groovy adds, the receiver its first argument. */
    private static String groovys(Object receiver, String name, Class<?>[] given) {
        Class<?>[] all = ([receiver.getClass()] + given.toList()) as Class[]
        GROOVYS.findResult { Class type -> statics(type, name, all) }
    }

    /** Of several of one name: the one that Groovy calls. */
    private static Executable best(List<Executable> all, Class<?>[] given) {
        all.findAll { Executable it -> new ParameterTypes(it.parameterTypes).isValidMethod(given) }
            .min { Executable it -> MetaClassHelper.calculateParameterDistance(given, new ParameterTypes(it.parameterTypes)) }
    }

    /** A type and those above it, the topmost first. */
    private static Set<Class> types(Class type) {
        Set<Class> found = [] as LinkedHashSet<Class>
        if (type.superclass) {
            found.addAll(types(type.superclass))
        }
        type.interfaces.each { Class it -> found.addAll(types(it)) }
        found << type
        found
    }

    /** Of numbers and texts: allowed unasked. */
    private static boolean isSum(Object receiver, String name) {
        receiver instanceof Number || receiver instanceof String && name == 'plus'
    }

    /** CpsTransformation looks at them. */
    private static boolean isCast(Object receiver, String name) {
        receiver == ScriptBytecodeAdapter && name in ['asType', 'castToType']
    }

    private static boolean isVariable(CpsScript script, String name) {
        script.getBinding().hasVariable(name) || CpsProgram.current.hasVariable(name)
    }

    private static boolean declares(Class type, String name) {
        type.declaredMethods.any { Executable it -> it.name == name }
    }

    private static Class<?>[] classesOf(Object[] arguments) {
        arguments.collect { it == null ? null : it.getClass() } as Class[]
    }

    private static String unknown(Class type, String name) { "unclassified ${nameOf(type)} $name" }

    private static String parameters(Executable one) {
        one.parameterTypes.collect { Class it -> " ${nameOf(it)}" }.join('')
    }

    private static String nameOf(Class type) {
        type.array ? "${nameOf(type.componentType)}[]" : JENKINS[type] ?: type.name
    }
}
