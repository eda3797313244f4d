import com.cloudbees.groovy.cps.impl.CallSiteBlock
import com.cloudbees.groovy.cps.impl.SourceLocation
import com.cloudbees.groovy.cps.sandbox.Invoker
import com.cloudbees.groovy.cps.sandbox.Untrusted
import groovy.transform.CompileStatic
import java.lang.reflect.Field

/** Does what the code of a file asks for, as groovy-cps does, and tells the program of it. */
@CompileStatic
class CpsCalls implements Invoker {
    private static final Invoker DOES = Invoker.INSTANCE
    private static final Map<Class, Field> PLACES = [:]
    /** Null for what contextualize() is asked of. */
    private final StackTraceElement place

    CpsCalls(StackTraceElement place = null) { this.place = place }

    @Override
    Invoker contextualize(CallSiteBlock call) {
        call.tags.contains(Untrusted.INSTANCE) ? new CpsCalls(placeOf(call)) : DOES
    }

    @Override
    Object methodCall(Object receiver, String method, Object[] arguments) {
        tell(CpsSignatures.method(receiver, method, arguments))
        DOES.methodCall(receiver, method, arguments)
    }

    @Override
    Object constructorCall(Class type, Object[] arguments) {
        tell(CpsSignatures.constructor(type, arguments))
        DOES.constructorCall(type, arguments)
    }

    @Override
    Object superCall(Class type, Object receiver, String method, Object[] arguments) {
        tell(CpsSignatures.method(receiver, method, arguments))
        DOES.superCall(type, receiver, method, arguments)
    }

    @Override
    Object getProperty(Object receiver, String name) {
        tell(CpsSignatures.getter(receiver, name))
        DOES.getProperty(receiver, name)
    }

    @Override
    void setProperty(Object receiver, String name, Object value) {
        tell(CpsSignatures.setter(receiver, name, value))
        DOES.setProperty(receiver, name, value)
    }

    @Override
    Object getAttribute(Object receiver, String name) {
        tell(CpsSignatures.field(receiver, name))
        DOES.getAttribute(receiver, name)
    }

    @Override
    void setAttribute(Object receiver, String name, Object value) {
        tell(CpsSignatures.field(receiver, name))
        DOES.setAttribute(receiver, name, value)
    }

    /** The sandbox allows it whatever the receiver is; so of the next. */
    @Override
    Object getArray(Object receiver, Object index) {
        DOES.getArray(receiver, index)
    }

    @Override
    void setArray(Object receiver, Object index, Object value) {
        DOES.setArray(receiver, index, value)
    }

    @Override
    Object methodPointer(Object receiver, String name) {
        tell("pointer to a method, $name, which is not followed")
        DOES.methodPointer(receiver, name)
    }

    private void tell(String signature) {
        CpsProgram.current.called(place, signature)
    }

    private static StackTraceElement placeOf(CallSiteBlock call) {
        Field place = PLACES.computeIfAbsent(call.getClass()) { Class type -> placeField(type) }
        ((SourceLocation) place.get(call)).toStackTrace()
    }

    /** groovy-cps tells nobody the place of a call. */
    private static Field placeField(Class type) {
        Field found = type.declaredFields.find { Field it -> it.type == SourceLocation }
        found?.accessible = true
        found ?: placeField(type.superclass)
    }
}
