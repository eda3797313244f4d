"""The runner of declarative pipelines, on small ones whose outcome on Jenkins is known (README.md)."""

from __future__ import annotations

import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.groovy import Ended, Groovy, Job
from tests.support.requirement import require

Run = Callable[..., Ended]


def pipeline(steps: str, *, head: str = "", post: str = "", more: str = "") -> str:
    """One with a stage Build of these steps; `head` holds directives of the pipeline, `more` further stages."""
    return textwrap.dedent("""\
        pipeline {
            agent any
            %s
            stages {
                stage('Build') {
                    steps {
                        %s
                    }
                }
                %s
            }
            %s
        }
        """) % (head, steps, more, f"post {{\n{post}\n}}" if post else "")


def stage(name: str, steps: str, head: str = "") -> str:
    return f"stage('{name}') {{\n{head}\nsteps {{\n{steps}\n}}\n}}\n"


@pytest.fixture
def run(groovy: Groovy, tmp_path: Path) -> Run:
    """Run a pipeline; `params` are empty unless given."""

    def run(text: str, **given: Any) -> Ended:
        return groovy.run(Job(text, tmp_path, **{"params": {}, **given}))

    return run


@pytest.fixture
def said(run: Run) -> Callable[..., str]:
    """The console of a run that is expected to succeed."""

    def said(text: str, **given: Any) -> str:
        ended = run(text, **given)
        assert ended.result == "SUCCESS", ended.console
        return ended.console

    return said


Said = Callable[..., str]

# --- the shell


def test_a_shell_step_is_run_by_sh_with_e_and_x(run: Run) -> None:
    ended = run(pipeline("sh '''echo one\nfalse\necho two'''"))
    assert (ended.result, ended.codes) == ("FAILURE", {"Build": 1})
    assert "+ echo one\none\n+ false\n" in ended.console
    assert "two" not in ended.console
    assert "ERROR: script returned exit code 1\nFinished: FAILURE" in ended.console


def test_a_shebang_in_the_first_two_characters_chooses_the_interpreter_and_no_flags(said: Said) -> None:
    console = said(pipeline("sh '''#!/bin/bash\nset -o pipefail\nfalse\necho \"${BASH_VERSION:+bash} $-\"'''"))
    assert "bash hB\n" in console


def test_a_shebang_after_a_line_end_is_a_comment_to_dash(run: Run) -> None:
    require(Path("/bin/dash").exists(), "/bin/dash is not installed")
    ended = run(pipeline("sh '''\n#!/bin/bash\nset -o pipefail'''"), shell="/bin/dash")
    assert ended.result == "FAILURE"
    assert "Illegal option -o pipefail" in ended.console


def test_the_environment_holds_nothing_of_ours(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    console = said(pipeline("sh 'env'"), env={"AGENT": "here"})
    names = {line.split("=")[0] for line in console.splitlines() if "=" in line}
    assert {"PATH", "AGENT", "BUILD_NUMBER", "JOB_NAME", "BUILD_TAG", "WORKSPACE", "STAGE_NAME"} <= names
    assert not names & {"LEAKED", "HOME", "PYTEST_CURRENT_TEST"}


def test_stdin_is_closed(said: Said) -> None:
    assert "+ cat\n[Pipeline]" in said(pipeline("sh 'cat'"))


def test_stdout_and_status_are_given_back(said: Said) -> None:
    console = said(pipeline("""script {
        def out = sh(script: 'echo out; echo err >&2', returnStdout: true).trim()
        int code = sh(script: 'exit 7', returnStatus: true)
        echo "got ${out} and ${code}"
    }"""))  # fmt: skip
    assert "got out and 7" in console
    assert "\nerr\n" in console
    assert "\nout\n" not in console


def test_a_program_that_outlives_the_step_does_not_hold_it(said: Said, tmp_path: Path) -> None:
    said(pipeline("sh 'sleep 1000 & echo $! > pid'"))
    subprocess.run(["kill", (tmp_path / "workspace" / "pid").read_text().strip()], check=True)


# --- parameters


PARAMETERS = """parameters {
    string(name: 'NAME', defaultValue: 'default', trim: true)
    choice(name: 'KIND', choices: ['first', 'second'])
    booleanParam(name: 'DRY', defaultValue: true)
}"""
SHOW = "sh 'echo \"<$NAME|$KIND|$DRY>\"'\necho \"(${params.NAME}|${params.DRY ? 'on' : 'off'})\""


@pytest.mark.parametrize(
    ("given", "shell", "groovy_says"),
    [
        pytest.param({}, "<default|first|true>", "(default|on)", id="defaults"),
        pytest.param({"NAME": "  x ", "KIND": "second", "DRY": "false"}, "<x|second|false>", "(x|off)", id="given"),
        pytest.param({"NAME": "a b'$(id)`id`"}, "<a b'$(id)`id`|first|true>", "(a b'$(id)`id`|on)", id="hostile"),
    ],
)
def test_parameters_reach_shell_and_groovy(said: Said, given: dict[str, str], shell: str, groovy_says: str) -> None:
    console = said(pipeline(SHOW, head=PARAMETERS), params=given)
    assert f"\n{shell}\n" in console
    assert f"\n{groovy_says}\n" in console


def test_a_first_run_has_the_defaults_and_no_variables_of_them(said: Said) -> None:
    steps = 'sh \'echo "${NAME-unset}"\'\necho "${params.NAME} ${env.NAME}"'
    console = said(pipeline(steps, head=PARAMETERS), params=None)
    assert "\nunset\n" in console
    assert "\ndefault null\n" in console


def test_a_cleared_parameter_is_seen_by_groovy_and_hides_a_variable_from_the_shell(said: Said) -> None:
    steps = 'sh \'echo "${NAME-unset}"\'\necho "<${params.NAME}>"'
    console = said(pipeline(steps, head=PARAMETERS), params={"NAME": ""}, env={"NAME": "of the agent"})
    assert "\nunset\n" in console
    assert "\n<>\n" in console


def test_a_variable_in_a_parameter_is_resolved_among_the_runs_own(said: Said) -> None:
    given = {"NAME": "$JOB_NAME/${KIND}/$AGENT/$$x/${OF_ALL}"}
    console = said(pipeline(SHOW, head=PARAMETERS), params=given, env={"AGENT": "a"}, globals={"OF_ALL": "g"})
    assert "\n<environments/first/$AGENT/$x/g|first|true>\n" in console
    assert "\n($JOB_NAME/${KIND}/$AGENT/$$x/${OF_ALL}|on)\n" in console


def test_a_parameter_that_the_job_declared_until_now_is_still_given_once(said: Said) -> None:
    console = said(pipeline('echo "${params.OLD} ${env.OLD}"', head=PARAMETERS), declared_before={"OLD": "x"})
    assert "\nx x\n" in console


def test_a_choice_off_the_list_is_refused_before_anything_runs(run: Run, tmp_path: Path) -> None:
    ended = run(pipeline("sh 'touch RAN'", head=PARAMETERS), params={"KIND": "third"})
    assert (ended.result, ended.shells) == ("REFUSED", [])
    assert ended.console == "Illegal choice for parameter KIND: third\n"
    assert not (tmp_path / "workspace").exists()


def test_an_undeclared_parameter_is_ignored_and_that_is_said(said: Said) -> None:
    console = said(pipeline("sh 'echo \"${OTHER-unset}\"'", head=PARAMETERS), params={"OTHER": "x"})
    assert "Skipped parameter `OTHER`" in console
    assert "\nunset\n" in console


def test_interpolation_obeys_what_a_quoted_variable_only_prints(said: Said, tmp_path: Path) -> None:
    hostile = {"NAME": "x; touch PWNED"}
    said(pipeline("sh 'echo \"$NAME\"'", head=PARAMETERS), params=hostile)
    assert not (tmp_path / "workspace" / "PWNED").exists()
    said(pipeline('sh "echo ${params.NAME}"', head=PARAMETERS), params=hostile)
    assert (tmp_path / "workspace" / "PWNED").exists()


# --- variables


def test_environment_uses_earlier_names_and_cannot_be_overridden_by_env(said: Said) -> None:
    head = "environment {\nA = 'a'\nB = \"${A}-${NAME}\"\n}\n" + PARAMETERS
    console = said(pipeline("script { env.A = 'other'\nenv.C = 'c' }\nsh 'echo \"$A $B $C\"'", head=head))
    assert "\na a-default c\n" in console


def test_a_stage_and_a_block_add_variables_of_their_own(said: Said) -> None:
    more = stage("More", "withEnv(['A=inner=1', 'PATH+X=/x']) { sh 'echo \"$A $B ${PATH%%:*}\"' }\nsh 'echo \"$A $B\"'",
                 "environment { B = 'b' }")  # fmt: skip
    console = said(pipeline("sh 'echo \"${B-unset}\"'", head="environment { A = 'a' }", more=more))
    assert "\nunset\n" in console
    assert "\ninner=1 b /x\n" in console
    assert "\na b\n" in console


def test_what_a_block_sets_to_nothing_is_taken_away(said: Said) -> None:
    assert "\nunset\n" in said(pipeline("withEnv(['A=']) { sh 'echo \"${A-unset}\"' }"), env={"A": "a"})


def test_variables_of_controller_agent_and_folder_go_over_each_other(said: Said) -> None:
    steps = 'sh \'echo "$A $B $C"\'\nwithFolderProperties { sh \'echo "in it $A $B $C"\'\necho "groovy ${env.C}" }'
    console = said(pipeline(steps), env={"A": "agent", "B": "agent", "C": "agent"},
                   globals={"B": "controller", "C": "controller"}, folder_properties={"C": "folder"})  # fmt: skip
    assert "\nagent controller controller\n" in console
    assert "\nin it agent controller folder\n" in console
    assert "\ngroovy folder\n" in console


def test_without_the_plugin_there_is_no_step_for_the_variables_of_a_folder(run: Run) -> None:
    assert "No such DSL method 'withFolderProperties'" in run(pipeline("withFolderProperties { echo 'x' }")).console


# --- credentials


CREDENTIALS = {
    "token": {"type": "string", "secret": "tok-12345"},
    "login": {"type": "usernamePassword", "username": "me", "password": "pw-98765"},
    "keyfile": {"type": "file", "content": "in the file"},
    "cloud": {"type": "aws", "access_key": "AK-24680", "secret_key": "SK-13579"},
}


@pytest.mark.parametrize(
    ("binding", "shown", "length"),
    [
        pytest.param("string(credentialsId: 'token', variable: 'T')", "$T", 9, id="string"),
        pytest.param(
            "usernamePassword(credentialsId: 'login', usernameVariable: 'U', passwordVariable: 'T')", "$U:$T", 8,
            id="user",
        ),
        pytest.param(
            "[$class: 'AmazonWebServicesCredentialsBinding', credentialsId: 'cloud', secretKeyVariable: 'T']",
            "$AWS_ACCESS_KEY_ID/$T", 8, id="aws",
        ),
    ],
)  # fmt: skip
def test_credentials_are_bound_in_their_block_and_masked(said: Said, binding: str, shown: str, length: int) -> None:
    steps = f"withCredentials([{binding}]) {{ sh 'echo \"{shown} ${{#T}}\"' }}\nsh 'echo \"${{T-unset}}\"'"
    console = said(pipeline(steps), credentials=CREDENTIALS)
    assert f"**** {length}\n" in console
    assert "\nunset\n" in console
    assert not [secret for secret in ("tok-12345", "pw-98765", "AK-24680", "SK-13579") if secret in console]


def test_a_credential_file_is_there_in_its_block_only(said: Said) -> None:
    steps = (
        "withCredentials([file(credentialsId: 'keyfile', variable: 'F')]) {\n"
        'sh \'cat "$F"; echo "$F" | tr / + > place\'\n}\n'
        "sh 'test ! -e \"$(tr + / < place)\"'"
    )
    assert "in the file" in said(pipeline(steps), credentials=CREDENTIALS)


def test_credentials_in_environment_have_user_and_password(said: Said) -> None:
    head = "environment { L = credentials('login')\nT = credentials('token') }"
    console = said(pipeline("sh 'echo \"$L_USR ${#L_PSW} ${#L} ${#T} $L_PSW\"'", head=head), credentials=CREDENTIALS)
    assert "\nme 8 11 9 ****\n" in console


def test_a_credential_that_is_not_there_fails_before_anything_runs(run: Run) -> None:
    ended = run(pipeline("sh 'true'", head="environment { T = credentials('nobody') }"))
    assert (ended.result, ended.shells) == ("FAILURE", [])
    assert "ERROR: Could not find credentials entry with ID 'nobody'" in ended.console


# --- results and what runs afterwards


ALL_CONDITIONS = "\n".join(
    f"{name} {{ echo 'post {name}' }}"
    for name in ("cleanup", "notBuilt", "failure", "unstable", "unsuccessful", "success", "aborted", "regression",
                 "fixed", "changed", "always")
)  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "previous", "result", "post"),
    [
        pytest.param("echo 'a'", None, "SUCCESS", ["always", "changed", "success", "cleanup"], id="first"),
        pytest.param("echo 'a'", "SUCCESS", "SUCCESS", ["always", "success", "cleanup"], id="same"),
        pytest.param("echo 'a'", "FAILURE", "SUCCESS", ["always", "changed", "fixed", "success", "cleanup"],
                     id="fixed"),
        pytest.param("echo 'a'", "ABORTED", "SUCCESS", ["always", "changed", "success", "cleanup"],
                     id="after an abort"),
        pytest.param("sh 'exit 3'", "SUCCESS", "FAILURE",
                     ["always", "changed", "regression", "unsuccessful", "failure", "cleanup"], id="regression"),
        pytest.param("sh 'exit 3'", None, "FAILURE",
                     ["always", "changed", "unsuccessful", "failure", "cleanup"], id="first fails"),
        pytest.param("unstable('u')", "FAILURE", "UNSTABLE",
                     ["always", "changed", "unsuccessful", "unstable", "cleanup"], id="better, not well"),
        pytest.param("script { currentBuild.result = 'NOT_BUILT' }", "NOT_BUILT", "NOT_BUILT",
                     ["always", "unsuccessful", "notBuilt", "cleanup"], id="not built"),
    ],
)  # fmt: skip
def test_post_conditions_hold_and_run_in_the_order_of_jenkins(
    run: Run, steps: str, previous: str | None, result: str, post: list[str]
) -> None:
    ended = run(pipeline(steps, post=ALL_CONDITIONS), previous=previous)
    assert (ended.result, ended.post) == (result, post)


def test_a_stage_after_a_failure_is_skipped_and_one_after_unstable_is_not(run: Run) -> None:
    more = stage("Shaky", "unstable('u')") + stage("Broken", "error('no')") + stage("Last", "sh 'true'")
    ended = run(pipeline("echo 'a'", more=more))
    assert ended.stages == {"Build": "SUCCESS", "Shaky": "UNSTABLE", "Broken": "FAILURE", "Last": "SKIPPED"}
    assert 'Stage "Last" skipped due to earlier failure(s)' in ended.console
    assert ended.result == "FAILURE"


def test_a_result_never_gets_better(run: Run) -> None:
    ended = run(pipeline("unstable('u')\nscript { currentBuild.result = 'SUCCESS' }"))
    assert ended.result == "UNSTABLE"


def test_a_post_condition_that_fails_fails_the_run_and_the_others_run(run: Run) -> None:
    ended = run(pipeline("echo 'a'", post="always { sh 'exit 9' }\ncleanup { echo 'tidy' }"))
    assert (ended.result, ended.post) == ("FAILURE", ["always", "cleanup"])
    assert "Error when executing always post condition:\nscript returned exit code 9" in ended.console


@pytest.mark.parametrize("thrown", ["throw new Error('no')", "absentStep()", "throw new Exception('no')"])
def test_whatever_is_thrown_in_a_post_condition_fails_the_run_and_the_others_run(run: Run, thrown: str) -> None:
    ended = run(pipeline("echo 'a'", post=f"always {{ script {{ {thrown} }} }}\ncleanup {{ echo 'tidy' }}"))
    assert (ended.result, ended.post) == ("FAILURE", ["always", "cleanup"])
    assert "Error when executing always post condition:" in ended.console


def test_a_result_that_is_only_set_skips_no_stage(run: Run) -> None:
    steps = "catchError { sh 'false' }\nscript { currentBuild.result = 'FAILURE' }"
    ended = run(pipeline(steps, more=stage("Last", "sh 'true'")))
    assert (ended.result, ended.stages["Last"]) == ("FAILURE", "SUCCESS")


def test_a_stage_has_a_post_of_its_own_and_when_skips_both(run: Run) -> None:
    post = "post { always { echo 'after the stage' } }"
    more = "stage('Skipped') {\nwhen { expression { false } }\nsteps { sh 'exit 1' }\n" + post + "\n}"
    more += "\nstage('Run') {\nwhen { environment name: 'A', value: 'a' }\nsteps { echo 'x' }\n" + post + "\n}"
    ended = run(pipeline("echo 'a'", head="environment { A = 'a' }", more=more))
    assert ended.stages == {"Build": "SUCCESS", "Skipped": "SKIPPED", "Run": "SUCCESS"}
    assert ended.console.count("after the stage") == 1


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        pytest.param("catchError { sh 'false' }", "FAILURE", id="catchError"),
        pytest.param("catchError(buildResult: 'SUCCESS') { sh 'false' }", "SUCCESS", id="catchError with a result"),
        pytest.param(
            "catchError(buildResult: 'SUCCESS') { script { throw new Error('x') } }",
            "SUCCESS",
            id="catchError of an error",
        ),
        pytest.param("catchError(buildResult: 'SUCCESS') { absentStep() }", "SUCCESS", id="catchError of no step"),
        pytest.param("warnError('w') { sh 'false' }", "UNSTABLE", id="warnError"),
        pytest.param("retry(3) { sh 'echo x >> tries; test $(wc -l < tries) -eq 3' }", "SUCCESS", id="retry"),
        pytest.param("script { try { sh 'false' } catch (all) { echo 'caught' } }", "SUCCESS", id="try"),
    ],
)
def test_a_step_that_catches_decides_on_the_result(run: Run, steps: str, result: str) -> None:
    ended = run(pipeline(steps + "\necho 'went on'"))
    assert ended.result == result
    assert "\nwent on\n" in ended.console


def test_an_unknown_step_fails_and_the_nearest_is_named(run: Run) -> None:
    ended = run(pipeline("ecko 'a'"))
    assert ended.result == "FAILURE"
    assert "No such DSL method 'ecko' found among steps, did you mean echo?" in ended.console


def test_a_step_of_a_plugin_that_is_not_installed_can_be_done_without(said: Said) -> None:
    steps = "script { try { recordIssues([:]) } catch (NoSuchMethodError missing) { echo 'without' } }"
    assert "\nwithout\n" in said(pipeline(steps), absent=["recordIssues"])


def test_a_symbol_of_a_plugin_that_is_not_installed_is_a_missing_method_too(said: Said) -> None:
    steps = "script { try { echo \"${issues(pattern: 'x')}\" } catch (NoSuchMethodError missing) { echo 'without' } }"
    assert "\nwithout\n" in said(pipeline(steps), absent=["issues"])


def test_issues_of_a_failed_run_are_recorded_only_on_demand(run: Run) -> None:
    text = '{"issues": [{}, {}]}'
    record = "recordIssues(%stools: [issues(pattern: 'r/*.json')])"
    steps = f"writeFile(file: 'r/issues.json', text: '{text}')"
    assert run(pipeline(f"{steps}\n{record % ''}")).issues == 2
    failing = f"{steps}\nerror 'x'"
    assert run(pipeline(failing, post=f"always {{ {record % ''} }}")).issues is None
    assert run(pipeline(failing, post=f"always {{ {record % 'enabledForFailure: true, '} }}")).issues == 2


def test_a_page_is_published_with_the_files_beside_it(run: Run) -> None:
    page = "writeFile(file: 'r/index.html', text: 'x')\nwriteFile(file: 'r/x.css', text: 'x')"
    publish = "publishHTML(target: [reportName: 'R', reportDir: '%s', reportFiles: 'index.html'])"
    assert run(pipeline(f"{page}\n{publish % 'r'}")).published == ["r/index.html", "r/x.css"]
    assert run(pipeline(publish % "absent")).result == "FAILURE"


def test_a_stubbed_step_does_nothing(said: Said) -> None:
    assert "[Pipeline] slackSend" in said(pipeline("slackSend(channel: '#x')"), stub=["slackSend"])


# --- agents


NOWHERE = pipeline("echo 'nowhere'").replace("agent any", "agent none")


def test_a_label_that_no_agent_has_is_waited_for_until_an_abort(groovy: Groovy, run: Run, tmp_path: Path) -> None:
    text = pipeline("sh 'true'", post="always { echo 'after' }").replace("agent any", "agent { label 'gpu' }")
    job = Job(text, tmp_path, params={})
    started(groovy, job, "‘Jenkins’ doesn’t have label ‘gpu’")
    groovy.abort()
    ended = groovy.ended(job)
    assert (ended.result, ended.shells) == ("ABORTED", [])
    assert run(text, labels=["gpu"]).result == "SUCCESS"


@pytest.mark.parametrize("limit", ["30, unit: 'MINUTES'", "1, unit: 'HOURS'", "7"])
def test_the_time_of_a_stage_ends_its_wait_for_an_agent(run: Run, limit: str) -> None:
    head = f"agent {{ label 'gpu' }}\noptions {{ timeout(time: {limit}) }}"
    ended = run(NOWHERE.replace("echo 'nowhere'", "echo 'x'").replace("steps {", f"{head}\nsteps {{"), minute_ms=1)
    assert (ended.result, ended.stages) == ("ABORTED", {"Build": "ABORTED"})
    assert "Cancelling nested steps due to timeout" in ended.console


def test_a_stage_has_an_agent_of_its_own_only_when_it_runs(run: Run) -> None:
    inner = stage("Inner", "sh 'echo \"$NODE_NAME\"'")
    condition = "agent any\nwhen {\nbeforeAgent true\nexpression { params.ON }\n}"
    after = "post { always { sh 'echo after' } }"
    more = f"stage('Outer') {{\n{condition}\nstages {{\n{inner}}}\n{after}}}\n"
    text = NOWHERE.replace("stages {", "stages {\n" + more, 1).replace(
        "agent none", "agent none\nparameters { booleanParam(name: 'ON', defaultValue: false) }"
    )
    ended = run(text, params={"ON": "true"})
    assert ended.stages == {"Outer": "SUCCESS", "Inner": "SUCCESS", "Build": "SUCCESS"}, ended.console
    assert "\nagent-1\n" in ended.console
    assert "\nafter\n" in ended.console
    skipped = run(text)
    assert skipped.stages == {"Outer": "SKIPPED", "Build": "SUCCESS"}
    assert "Running on" not in skipped.console


@pytest.mark.parametrize("step", ["sh 'true'", "archiveArtifacts 'x'", "fileExists 'x'", "cleanWs()"])
def test_without_an_agent_nothing_can_be_done_on_one(run: Run, step: str) -> None:
    ended = run(NOWHERE.replace("echo 'nowhere'", step))
    assert ended.result == "FAILURE"
    assert "Required context class hudson.FilePath is missing" in ended.console


# --- files


def test_files_are_archived_by_pattern(run: Run, tmp_path: Path) -> None:
    make = "sh 'mkdir -p out/deep .x; touch out/a.txt out/b.json out/deep/c.txt out/[d].txt'"
    ended = run(pipeline(make + "\narchiveArtifacts artifacts: 'out/*.txt, **/c.*'"))
    assert ended.archived == ["out/[d].txt", "out/a.txt", "out/deep/c.txt"]
    assert (tmp_path / "archive" / "out" / "deep" / "c.txt").is_file()


def test_an_archive_of_nothing_fails_unless_allowed(run: Run) -> None:
    ended = run(pipeline("archiveArtifacts 'none/*'"))
    assert ended.result == "FAILURE"
    assert 'No artifacts found that match the file pattern "none/*"' in ended.console
    assert run(pipeline("archiveArtifacts(artifacts: 'none/*', allowEmptyArchive: true)")).result == "SUCCESS"


def test_failing_test_cases_make_a_run_unstable(run: Run) -> None:
    report = "<testsuites><testsuite><testcase/><testcase><failure/></testcase></testsuite></testsuites>"
    ended = run(pipeline(f"writeFile(file: 'r/junit.xml', text: '{report}')\njunit 'r/*.xml'"))
    assert (ended.result, ended.tests) == ("UNSTABLE", {"total": 2, "failed": 1})


def test_files_are_read_written_and_kept_between_folders(said: Said) -> None:
    console = said(pipeline("""writeFile(file: 'd/a.json', text: '{"n": [1, 2]}')
        dir('d') { stash(name: 's', includes: '*.json') }
        deleteDir()
        script {
            echo "there: ${fileExists('d/a.json')}"
            dir('again') {
                unstash 's'
                def read = readJSON(file: 'a.json')
                echo "read: ${read.n.sum()} ${readFile('a.json').size()} ${pwd().endsWith('/again')}"
            }
        }"""))  # fmt: skip
    assert "there: false" in console
    assert "read: 3 13 true" in console


def test_checkout_copies_the_source_and_cleanws_empties_the_workspace(said: Said, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_text("x")
    steps = "sh 'touch old'\ncleanWs()\nscript { def at = checkout(scm)\necho \"at ${at.GIT_COMMIT}\" }\nsh 'ls'"
    console = said(pipeline(steps), source=tmp_path / "source", commit="abc123")
    assert "\nat abc123\n" in console
    assert "+ ls\nfile\n[Pipeline]" in console


# --- functions, names, the run itself


def test_functions_of_the_file_are_steps_too(said: Said) -> None:
    text = (
        pipeline("greet('you')")
        + '\nvoid greet(String who) {\nsh \'echo "$JOB_NAME"\'\necho "hello ${who} ${env.A}"\n}'
    )
    console = said(text, env={"A": "a"})
    assert "\nenvironments\n" in console
    assert "\nhello you a\n" in console


def test_a_run_has_a_name_and_a_description(run: Run) -> None:
    ended = run(
        pipeline("script { currentBuild.displayName = \"#${env.BUILD_NUMBER} x\"\ncurrentBuild.description = 'd' }")
    )
    assert (ended.display_name, ended.description) == ("#42 x", "d")


def test_parallel_stages_all_run_although_one_fails(run: Run) -> None:
    more = "stage('Both') {\nparallel {\n" + stage("Left", "error('no')") + stage("Right", "echo 'r'") + "}\n}"
    ended = run(pipeline("echo 'a'", more=more))
    assert (ended.stages["Left"], ended.stages["Right"], ended.result) == ("FAILURE", "SUCCESS", "FAILURE")


# --- abort


def started(groovy: Groovy, job: Job, word: str) -> None:
    """Start the job and wait until the console has the word."""
    groovy.start(job)
    give_up_at = time.monotonic() + 60
    while not (job.console.exists() and f"\n{word}\n" in job.console.read_text()):
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def ends(process: str) -> bool:
    """Whether it ends within a minute, or has ended; a zombie has."""
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        state = subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True, check=False).stdout
        if not state.strip() or state.startswith("Z"):
            return True
        time.sleep(0.02)
    return False


def test_an_abort_ends_the_step_and_its_children_and_post_runs(groovy: Groovy, tmp_path: Path) -> None:
    steps = "sh '''sleep 1000 & echo $! > child\necho ready\nwait'''"
    job = Job(pipeline(steps, post=ALL_CONDITIONS, more=stage("Last", "sh 'true'")), tmp_path, params={})
    started(groovy, job, "ready")
    groovy.abort()
    ended = groovy.ended(job)
    assert (ended.result, ended.stages) == ("ABORTED", {"Build": "ABORTED", "Last": "SKIPPED"})
    assert ended.post == ["always", "changed", "aborted", "unsuccessful", "cleanup"]
    assert ended.codes == {"Build": 143}
    assert ends((job.workspace / "child").read_text().strip())


@pytest.mark.parametrize(
    ("interruptions", "went_on"), [("", True), ("catchInterruptions: false, ", False)], ids=["caught", "let through"]
)
def test_an_abort_is_caught_by_catch_error_unless_it_says_not_to(
    groovy: Groovy, tmp_path: Path, interruptions: str, went_on: bool
) -> None:
    steps = f"catchError({interruptions}buildResult: 'SUCCESS') {{ sh 'echo ready; exec sleep 1000' }}\necho 'went on'"
    job = Job(pipeline(steps), tmp_path, params={})
    started(groovy, job, "ready")
    groovy.abort()
    ended = groovy.ended(job)
    assert ("\nwent on\n" in ended.console) is went_on
    assert ended.result == ("SUCCESS" if went_on else "ABORTED")


def test_an_abort_can_be_told_from_another_exception(groovy: Groovy, tmp_path: Path) -> None:
    steps = """script {
        try { sh 'echo ready; exec sleep 1000' }
        catch (org.jenkinsci.plugins.workflow.steps.FlowInterruptedException interruption) { throw interruption }
        catch (Exception other) { echo 'swallowed' }
    }"""
    job = Job(pipeline(steps), tmp_path, params={})
    started(groovy, job, "ready")
    groovy.abort()
    ended = groovy.ended(job)
    assert (ended.result, "swallowed" in ended.console) == ("ABORTED", False)


def test_what_does_not_heed_term_is_killed(groovy: Groovy, tmp_path: Path) -> None:
    steps = "sh '''trap \"\" TERM\necho ready\nwhile :; do sleep 1; done'''"
    job = Job(pipeline(steps), tmp_path, params={}, kill_after_ms=200)
    started(groovy, job, "ready")
    groovy.abort()
    ended = groovy.ended(job)
    assert (ended.result, ended.codes) == ("ABORTED", {"Build": 137})
