/** `env`: the variables of the run. */
class CpsEnv implements Serializable {
    @Override
    Object getProperty(String name) { CpsProgram.current.controller.environment()[name] }

    @Override
    void setProperty(String name, Object value) { CpsProgram.current.controller.assigned[name] = value.toString() }
}
