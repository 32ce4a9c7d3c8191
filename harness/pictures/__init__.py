"""Pictures drawn from data: images with labels, plots of statistics. They know no report and no claim."""
