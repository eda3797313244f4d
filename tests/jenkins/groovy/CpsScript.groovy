import com.cloudbees.groovy.cps.SerializableScript

/** What a file is compiled to: its unknown functions and names are those of the program at work. */
abstract class CpsScript extends SerializableScript {
    @Override
    Object invokeMethod(String name, Object given) {
        CpsProgram.current.call(name, given as Object[])
    }

    @Override
    Object getProperty(String name) {
        CpsProgram program = CpsProgram.current
        // getBinding(): a property would come back here
        program.hasVariable(name) && !getBinding().hasVariable(name) ? program.variable(name) : super.getProperty(name)
    }
}
