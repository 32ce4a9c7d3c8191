# Entry point: `main.R describe`, or `main.R run REQUEST.json`. The contract is in containers/README.md.

home <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])))
for (folder in c("contract", "cohort", "association", "meta", "kinds")) {
  for (path in sort(list.files(file.path(home, folder), full.names = TRUE), method = "radix")) source(path,
      keep.source = FALSE)
}

DEBIAN_PACKAGES <- c(jsonlite = "r-cran-jsonlite", digest = "r-cran-digest", lme4 = "r-cran-lme4", rms = "r-cran-rms",
                     pROC = "r-cran-proc", metafor = "r-cran-metafor", clubSandwich = "r-cran-clubsandwich",
                     numDeriv = "r-cran-numderiv")

require_packages <- function() {
  lacking <- names(DEBIAN_PACKAGES)[!nzchar(vapply(names(DEBIAN_PACKAGES), function(p) system.file(package = p), ""))]
  if (length(lacking)) {
    environment_fault(sprintf("the R packages %s are not installed", paste(lacking, collapse = ", ")), "R",
                      paste("apt-get install", paste(DEBIAN_PACKAGES[lacking], collapse = " ")))
  }
}

main <- function(arguments) {
  description <- file.path(dirname(home), "describe.json")
  if (identical(arguments, "describe")) {
    cat(readLines(description, encoding = "UTF-8"), sep = "\n")
    return(0L)
  }
  tryCatch({
    if (length(arguments) != 2L || arguments[1] != "run") {
      request_fault("usage: describe, or run REQUEST.json", "command line")
    }
    require_packages()
    spec <- parse_json(read_text(description, "describe.json"))
    run_job(load_request(arguments[2], spec), spec, process_item)
  }, fault = function(fault) {
    # An item fault here would be the stage's own; the contract knows 2 and 3 only.
    request <- fault$kind == "request"
    cat("r_reference: ", if (request) "request: " else "environment: ", fault_line(fault), "\n", sep = "",
        file = stderr())
    if (request) 2L else 3L
  })
}

# Byte order for sorting, UTF-8 for text, whatever the caller's settings.
invisible(Sys.setlocale("LC_ALL", "C.UTF-8"))
invisible(Sys.setlocale("LC_COLLATE", "C"))
options(warn = -1, digits = 15, scipen = 0, OutDec = ".", stringsAsFactors = FALSE,
        contrasts = c("contr.treatment", "contr.poly"))
quit(save = "no", status = main(commandArgs(trailingOnly = TRUE)))
