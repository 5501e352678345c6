# What one environment of the example stands on: see docs/terraform.md. In headgate.yaml:
#   terraform: {folder: examples/pcw/infrastructure, workspace: qa, variables: {environment: qa}}
#   env: {QUOTE_CACHE: {terraform: cache_endpoint}}

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  max_retries = 3
}

variable "environment" {
  type = string
}

variable "cache" {
  type    = string
  default = "cache-1"
}

resource "aws_ssm_parameter" "quote_cache" {
  name           = "/pcw/${var.environment}/quote-cache"
  type           = "String"
  insecure_value = "${var.cache}.${var.environment}.internal:6379"
}

# Its value is written by people or by a rotation, never by Terraform: a state holds values in clear.
resource "aws_secretsmanager_secret" "database" {
  name = "pcw/${var.environment}/database-url"
}

output "cache_endpoint" {
  value = aws_ssm_parameter.quote_cache.insecure_value
}
