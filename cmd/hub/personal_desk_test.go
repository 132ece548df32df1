package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"kandashub/mocks/samples"
	"kandashub/topics"
	"kandashub/topics/servertest"
)

// A desk is where somebody operates a world's hub by hubctl.
type desk struct {
	*world
	bin  string
	dir  string
	said strings.Builder // by all commands, but what letters carry where that was asked for
	ran  []string        // the command lines
}

func newDesk(w *world) *desk {
	w.t.Helper()
	d := &desk{world: w, dir: w.t.TempDir()}
	d.bin = filepath.Join(d.dir, "hubctl")
	if out, err := exec.CommandContext(w.t.Context(), "go", "build", "-o", d.bin, "kandashub/cmd/hubctl").CombinedOutput(); err != nil {
		w.t.Fatalf("build hubctl: %v\n%s", err, out)
	}
	return d
}

// run carries out a command line and returns its exit code and what it printed.
func (d *desk) run(args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	c := exec.CommandContext(d.t.Context(), d.bin, args...)
	c.Env = os.Environ()
	for _, name := range []string{"HUB_KAFKA", "HUB_REDIS", "HUB_PARTITIONS", "HUB_LEASE"} {
		c.Env = append(c.Env, name+"="+d.environ[name])
	}
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		d.t.Fatal(err)
	}
	d.ran = append(d.ran, strings.Join(args, " "))
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// hubctl is run, for what must show nothing personal. want is the exit code, or -1
// for any.
func (d *desk) hubctl(want int, args ...string) (stdout string) {
	d.t.Helper()
	code, out, errs := d.run(args...)
	fmt.Fprintf(&d.said, "%s\n%s\n", out, errs)
	if want >= 0 && code != want {
		d.t.Errorf("hubctl %s: %d, want %d\n%s", strings.Join(args, " "), code, want, errs)
	}
	return out
}

// forms is hubctl in each form of output.
func (d *desk) forms(want int, args ...string) {
	d.t.Helper()
	for _, form := range []string{"table", "json", "yaml", "jsonl"} {
		d.hubctl(want, append(slices.Clone(args), "-o", form)...)
	}
}

// ordered appends who and why.
func ordered(args ...string) []string { return append(args, "--who", "duty", "--why", "a test") }

// A toldLetter is what hubctl tells of a letter.
type toldLetter struct {
	Route, Letter, Application, Code string
	Holds                            bool
}

func (d *desk) letters(args ...string) (letters []toldLetter) {
	d.t.Helper()
	if out := d.hubctl(-1, append([]string{"dead", "list", "-o", "json"}, args...)...); out != "" {
		if err := json.Unmarshal([]byte(out), &letters); err != nil {
			d.t.Fatal(err)
		}
	}
	return letters
}

// operate does with hubctl all that can be done, in every form of output, and what
// goes wrong. The letters are those of this world.
func (d *desk) operate(form *samples.Application) {
	d.t.Helper()
	letters := slices.DeleteFunc(d.letters(), func(l toldLetter) bool {
		return !slices.ContainsFunc(d.recordsOf(l.Route+".dead", l.Application, "letter"), func(r *topics.Record) bool { return headerOf(r, "hub_letter") == l.Letter })
	})
	if len(letters) < 10 {
		d.t.Fatalf("only %d letters", len(letters))
	}
	d.look(letters)
	d.decide(letters)
	d.mistake(letters, form.Applicant.Person.Surname)
	for _, args := range []string{"audit list", "audit list --last 0", "audit verify"} {
		d.forms(-1, strings.Fields(args)...) // on shared servers others write to the audit, too
	}
	export := filepath.Join(d.dir, "audit.jsonl")
	if err := os.WriteFile(export, []byte(d.hubctl(0, "audit", "export")), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.forms(-1, "audit", "verify", "--file", export)
	for _, command := range d.commands() {
		if !slices.ContainsFunc(d.ran, func(line string) bool { return line == command || strings.HasPrefix(line, command+" ") }) {
			d.t.Errorf("hubctl %s was not looked at", command)
		}
	}
}

// commands are all that hubctl has, by its own help.
func (d *desk) commands() (names []string) {
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)  +[A-Z]`).FindAllStringSubmatch(d.hubctl(0, "--help"), -1) {
		names = append(names, m[1])
	}
	if len(names) < 30 {
		d.t.Errorf("help lists only %q", names)
	}
	return names
}

// look asks for all that can be seen.
func (d *desk) look(letters []toldLetter) {
	for _, args := range []string{"route list", "lag", "lag -p", "dead list", "dead plan --action replay", "dead plan --action discard", "breaker list",
		"claims status", "doctor", "topics list", "topics check", "version"} {
		d.forms(-1, strings.Fields(args)...)
	}
	for _, args := range []string{"topics create --replication 1", "contract", "shapes", "completion", "dead export", "dead export -o json", "dead export -o yaml"} {
		d.hubctl(-1, strings.Fields(args)...)
	}
	for _, args := range []string{"alerts rules", "alerts runbooks --out " + filepath.Join(d.dir, "runbooks"), "boards --out " + filepath.Join(d.dir, "boards")} {
		d.hubctl(-1, strings.Fields(args)...)
	}
	known := map[string]bool{}
	for _, l := range letters {
		show := []string{"dead", "show", l.Letter, "--route", l.Route}
		switch {
		case len(known) == 0:
			d.forms(0, show...)
			d.forms(-1, "trace", l.Application)
		case !known[l.Code]: // one of each kind; dead export tells of all in the other forms
			d.hubctl(0, show...)
		}
		known[l.Code] = true
	}
}

// decide decides of letters in every way, and steers routes and breakers.
func (d *desk) decide(letters []toldLetter) {
	held := func(application string) func(toldLetter) bool {
		return func(l toldLetter) bool {
			return l.Holds && l.Route == "register" && (application == "" || l.Application == application)
		}
	}
	i := slices.IndexFunc(letters, held(""))
	if i < 0 {
		d.t.Fatal("no letter of register holds its application")
	}
	l := letters[i]
	one := func(command, id string, more ...string) []string {
		return ordered(append([]string{"dead", command, id, "--route", l.Route}, more...)...)
	}
	chosen := []string{"--route", l.Route, "--application", l.Application}
	await := func(what string, args ...string) (found toldLetter) {
		d.t.Helper()
		servertest.Eventually(d.t, what, func() bool {
			now := d.letters(append(args, chosen...)...)
			if len(now) == 1 {
				found = now[0]
			}
			return len(now) == 1
		})
		return found
	}
	d.forms(0, append([]string{"dead", "replay", "--dry-run"}, chosen...)...)
	d.hubctl(0, one("discard", l.Letter)...)
	await("it is discarded", "--discarded")
	d.forms(0, append([]string{"dead", "list", "--discarded"}, chosen...)...)
	d.hubctl(0, one("undo", l.Letter)...)
	d.hubctl(1, one("replay", await("it is back").Letter)...) // and says that it has died again
	servertest.Eventually(d.t, "it has died again", func() bool {
		d.hubctl(-1, "trace", l.Application)
		now := d.letters(chosen...)
		return len(now) == 1 && now[0].Letter != l.Letter && len(d.recordsOf(l.Route+".dead", l.Application, "resolved")) >= 2
	})
	var plan struct{ Hash string }
	if err := json.Unmarshal([]byte(d.hubctl(0, append([]string{"dead", "plan", "--action", "discard", "-o", "json"}, chosen...)...)), &plan); err != nil {
		d.t.Fatal(err)
	}
	d.hubctl(0, ordered(append([]string{"dead", "run", "--action", "discard", "--plan", plan.Hash, "--rate", "100/s"}, chosen...)...)...)
	d.forms(0, "trace", l.Application)
	for _, args := range []string{"route pause reissue", "route resume reissue", "route drain reissue", "route resume reissue",
		"breaker open reissue", "breaker close reissue", "claims accept"} {
		d.hubctl(-1, ordered(strings.Fields(args)...)...)
		d.hubctl(-1, "breaker", "list")
	}
	d.forms(-1, "breaker", "list")
	d.hubctl(-1, ordered("breaker", "release", "reissue")...)
}

// mistake does wrongly what can be done wrongly, with the data of a person. What
// letters carry is told where that is asked for, and nowhere else.
func (d *desk) mistake(letters []toldLetter, surname string) {
	l := letters[slices.IndexFunc(letters, func(l toldLetter) bool { return l.Holds && l.Route != "register" })]
	file := func(name, content string) string {
		name = filepath.Join(d.dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			d.t.Fatal(err)
		}
		return name
	}
	for _, value := range []string{surname, wrongIIN} {
		quoted, err := json.Marshal(map[string]string{"iin": wrongIIN, "surname": value})
		if err != nil {
			d.t.Fatal(err)
		}
		for _, args := range [][]string{
			{"dead", "show", value, "--route", "register"}, {"trace", value}, {"dead", "list", "--text", value}, {"dead", "list", "--application", value},
			{"lag", value}, {"audit", "list", "--actor", value}, {"audit", "verify", "--file", file("bad.jsonl", string(quoted)+"\n"+value+"\n")},
			ordered("dead", "replay", value, "--route", "register"), ordered("dead", "undo", value, "--route", "register"),
			ordered("dead", "discard", l.Letter, "--route", value), ordered("route", "pause", value), ordered("breaker", "open", value),
			ordered("dead", "answer", l.Letter, "--route", l.Route, "--iin", value),
			ordered("dead", "answer", l.Letter, "--route", l.Route, "--replies", file("no.json", value)),
			ordered("dead", "run", "--action", "replay", "--plan", value), ordered("dead", "export", "--text", value),
			{"route", "pause", "reissue", "--who", "duty", "--why", "asked for by " + wrongIIN}, {"route", "pause", "reissue", "--who", "someone@example.kz", "--why", "a test"},
		} {
			if code, _, errs := d.run(args...); code == 0 && args[0] == "dead" {
				d.t.Errorf("hubctl %q is taken", args)
			} else {
				fmt.Fprintln(&d.said, errs)
			}
		}
	}
	replies := fmt.Sprintf(`[{"topic":"hub.control","type":%q,"data":{"iin":%q}}]`, surname, wrongIIN)
	d.hubctl(5, ordered("dead", "answer", l.Letter, "--route", l.Route, "--replies", file("replies.json", replies))...)
	replies = fmt.Sprintf(`[{"topic":"gbdfl.lookups","type":"kz.hub.iin.lookup.v1","data":{"iin":%q,%q:true}}]`, wrongIIN, surname)
	d.hubctl(5, ordered("dead", "answer", l.Letter, "--route", l.Route, "--replies", file("replies.json", replies))...)

	carried := 0
	for _, args := range [][]string{ordered("dead", "export", "--payload"), ordered("dead", "show", letters[0].Letter, "--route", letters[0].Route, "--payload")} {
		_, out, errs := d.run(args...)
		carried += len(leaks(out, d.personalValues()))
		fmt.Fprintln(&d.said, errs)
	}
	if carried == 0 {
		d.t.Error("the letters carry nothing personal: that nothing shows says nothing")
	}
}
