"""The section `environments.NAME.terraform`: what the environment stands on, and what may become of it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from headgate.model.infrastructure import Infrastructure
from headgate.model.secrets import SECRET_NAMES
from headgate.spec.sections.section import Section, defaults_to, unsuitable
from headgate.spec.sections.texts import FOLDER_PATTERN, FOLDERS, Line, Positive, matching, one_word_of

Folder = Annotated[
    str,
    matching(
        f"/[^\x00-\x1f]{{1,500}}|(?!.*(?:^|/)\\.\\.(?:/|$)){FOLDER_PATTERN}",
        f"the absolute path of a folder on the server, or {FOLDERS}",
        "Write a path such as infrastructure/production.",
    ),
]
VarFile = Annotated[
    str,
    matching(
        "(?!-)(?!.*(?:^|/)\\.\\.(?:/|$))[^\x00-\x1f]{1,500}",
        "a file below the folder of `terraform`, or an absolute path",
        "Write a path such as production.tfvars.",
    ),
]
TerraformName = Annotated[
    str, matching("[A-Za-z_][A-Za-z0-9_-]{0,99}", "a name: letters, digits, _ and -", "Write the name in Terraform.")
]
Workspace = Annotated[
    str, matching("[A-Za-z0-9_.-]{1,90}", "the name of a workspace", "Write a name such as production.")
]
Destroy = Literal["never", "approved"]


class TerraformSection(Section):
    folder: Folder = Field(
        description="Where its configuration is, on the server: never in the commit under release.",
        examples=["infrastructure/production"],
    )
    workspace: Workspace | None = Field(None, description="Optional. Default: Terraform's default workspace.")
    var_files: list[VarFile] = Field(default_factory=list, description="Files of variables, below the folder.")
    variables: dict[TerraformName, Line] = Field(default_factory=dict, description="Input variables; no secrets.")
    backend: dict[TerraformName, Line] = Field(
        default_factory=dict, description="What the folder's backend leaves open of where the state is; no secrets."
    )
    destroy: Annotated[Destroy, one_word_of("never", "approved")] = defaults_to(
        "never", "Whether a rollout may destroy or replace resources, once somebody approved that very plan."
    )
    timeout: Positive = defaults_to("30m", "One apply must be done by then; it is interrupted.")

    @model_validator(mode="after")
    def without_secrets(self) -> "TerraformSection":
        given = [("variables", name) for name in self.variables]
        given += [("backend", name) for name in self.backend if name != "key"]  # of S3: where the state is
        if found := next((one for one in given if SECRET_NAMES.search(one[1])), None):
            variable = f"TF_VAR_{found[1]}" if found[0] == "variables" else "the backend's own variables"
            remedy = f"Remove it, and set {variable} where the Headgate server runs."
            raise unsuitable("a name that is not a secret's", remedy, found)
        return self

    def rules(self, repository: str, origin: str) -> Infrastructure:
        below = not self.folder.startswith("/") and repository.startswith("/")
        return Infrastructure(
            kind="terraform",
            folder=f"{repository.rstrip('/')}/{self.folder}" if below else self.folder,
            workspace=self.workspace or "",
            var_files=tuple(self.var_files),
            variables=dict(self.variables),
            backend=dict(self.backend),
            destroy=self.destroy,
            timeout=self.timeout,
            origin=origin,
        )
