// Command govc has the commands of VMware's govc that read an inventory: find,
// vm.info and tags.attached.ls. They are govmomi's own, and so are the flags, the
// environment variables and the output; govc's main package adds no more than the
// list of all commands.
package main

import (
	"os"

	"github.com/vmware/govmomi/cli"
	_ "github.com/vmware/govmomi/cli/object"
	_ "github.com/vmware/govmomi/cli/tags/association"
	_ "github.com/vmware/govmomi/cli/vm"
)

func main() { os.Exit(cli.Run(os.Args[1:])) }
