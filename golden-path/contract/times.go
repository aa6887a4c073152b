package contract

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var durationForm = regexp.MustCompile(`^[1-9][0-9]{0,4}[smh]$`)

// Duration is a whole number of seconds, minutes or hours: 30s, 5m, 1h.
type Duration string

func (d Duration) valid() error {
	if !durationForm.MatchString(string(d)) {
		return fmt.Errorf("%q is not a duration: write seconds, minutes or hours as in 30s, 5m or 1h", d)
	}
	return nil
}

// ManualPause lasts until somebody promotes the new version.
const ManualPause Pause = "manual"

var pauseForm = regexp.MustCompile(`^([1-9][0-9]{0,4}[smh]|manual)$`)

// Pause is a duration or [ManualPause].
type Pause string

func (p Pause) valid() error {
	if !pauseForm.MatchString(string(p)) {
		return fmt.Errorf("%q is not a pause: write seconds, minutes or hours as in 30s, 5m or 1h, or %s to wait for a promotion", p, ManualPause)
	}
	return nil
}

var retentionForm = regexp.MustCompile(`^[1-9][0-9]{0,3}[dwm]$`)

// Retention is a whole number of days, weeks or months: 30d, 4w, 6m.
type Retention string

func (r Retention) valid() error {
	if !retentionForm.MatchString(string(r)) {
		return fmt.Errorf("%q is not a time to keep: write days, weeks or months as in 30d, 4w or 6m", r)
	}
	return nil
}

// Each field of a schedule is a list of *, numbers and ranges, with steps.
var scheduleForm = regexp.MustCompile("^" + strings.Join([]string{
	cron(`[1-5]?[0-9]`), cron(`[1-5]?[0-9]`), cron(`(1?[0-9]|2[0-3])`),
	cron(`([12]?[1-9]|[123]0|31)`), cron(`([1-9]|1[0-2])`), cron(`[0-6]`),
}, " ") + "$")

func cron(number string) string {
	part := `(\*|` + number + `(-` + number + `)?)(/[1-9][0-9]?)?`
	return part + `(,` + part + `)*`
}

var cronRange = regexp.MustCompile(`(\d+)-(\d+)`)

// Schedule is six fields as cron's, with seconds in front.
type Schedule string

func (s Schedule) valid() error {
	if !scheduleForm.MatchString(string(s)) {
		return fmt.Errorf("%q is not a schedule: write second, minute, hour, day of the month, month and day of the week (0 is Sunday), as in %q for two at night", s, defaultSchedule)
	}
	for _, r := range cronRange.FindAllStringSubmatch(string(s), -1) {
		from, errFrom := strconv.Atoi(r[1])
		to, errTo := strconv.Atoi(r[2])
		if errFrom == nil && errTo == nil && from > to {
			return fmt.Errorf("%q has the range %s, which ends before it begins", s, r[0])
		}
	}
	return nil
}
