"""Provisioner `terraform`: the Terraform command line, on a folder of the server."""

import shutil

from headgate.adapters.provisioners.terraform.provisioner import TerraformProvisioner
from headgate.adapters.provisioners.terraform.settings import TerraformSettings
from headgate.ports import Host, installed_with


@installed_with(lambda: shutil.which("terraform") is not None)
def create(host: Host) -> TerraformProvisioner:
    return TerraformProvisioner(TerraformSettings(data=host.folder))
