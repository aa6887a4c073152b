package main

import "testing"

func TestTheMirrorIsTheOneOfTheHostsApt(t *testing.T) {
	for name, c := range map[string]struct{ targets, want string }{
		"a public mirror": {"http://debian.example.org/debian bookworm main\n", "http://debian.example.org/debian"},
		"a company's mirror behind other archives": {
			"https://deb.example.com/node nodistro main\nhttps://apt.example.com/cloud cloud-sdk-bookworm main\n" +
				"https://mirror.example.com/debian-security bookworm-security main\nhttps://mirror.example.com/debian bookworm main\n",
			"https://mirror.example.com/debian",
		},
		"a host that follows stable":   {"http://mirror.example.com/debian stable main\n", "http://mirror.example.com/debian"},
		"only contrib is on it":        {"http://mirror.example.com/debian bookworm contrib\n", defaultMirror},
		"a disc is no mirror":          {"cdrom:[Debian] bookworm main\nfile:/srv/debian bookworm main\n", defaultMirror},
		"no sources at all":            {"", defaultMirror},
		"a line of another apt format": {"bookworm\n", defaultMirror},
	} {
		if got := mirrorOf(c.targets, "bookworm"); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestOnlyDebiansSourcesAreAMirrorOfDebian(t *testing.T) {
	codename, ok := debianCodename("NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_CODENAME=bookworm\n")
	if codename != "bookworm" || !ok {
		t.Errorf("Debian: got %q, %v", codename, ok)
	}
	if _, ok := debianCodename("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"); ok {
		t.Error("Ubuntu is taken for Debian")
	}
}
