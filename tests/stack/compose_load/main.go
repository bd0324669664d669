// Loads compose files as `docker compose` does and prints the project as JSON, so that a wrong
// reference between services, networks and secrets fails a test where no container can run.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(
		os.Args[1:],
		cli.WithWorkingDirectory(os.Getenv("COMPOSE_FOLDER")),
		cli.WithOsEnv,
		cli.WithDotEnv,
		cli.WithProfiles(strings.Split(os.Getenv("COMPOSE_LOAD_PROFILES"), ",")),
	)
	if err != nil {
		fail(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(err)
	}
	text, err := project.MarshalJSON()
	if err != nil {
		fail(err)
	}
	fmt.Println(string(text))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
