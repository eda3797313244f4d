/** `currentBuild`, with what Jenkins' RunWrapper lets the sandbox see of the run. */
class CpsCurrentBuild implements Serializable {
    String getDisplayName() { run.displayName }

    void setDisplayName(String name) { run.displayName = name }

    String getDescription() { run.description }

    void setDescription(String text) { run.description = text }

    /** Null until something makes it worse than SUCCESS. */
    String getResult() { run.result == 'SUCCESS' ? null : run.result }

    void setResult(String result) { run.worsen(result) }

    String getCurrentResult() { run.result }

    int getNumber() { 42 }

    private static CpsController getRun() { CpsProgram.current.controller }
}
